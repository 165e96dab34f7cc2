package kafka_test

import (
	"encoding/binary"
	"testing"

	"github.com/quintet-eda/quintet/pkg/kafka"
)

func TestAThrottledAnswerIsAnEmptyPage(t *testing.T) {
	answer := binary.BigEndian.AppendUint32(nil, 90)  // throttled for so many ms,
	answer = binary.BigEndian.AppendUint16(answer, 0) // no error,
	answer = binary.BigEndian.AppendUint32(answer, 0) // no session,
	answer = binary.BigEndian.AppendUint32(answer, 0) // no topics
	if err := kafka.ReadAnswer(answer); err != nil {
		t.Errorf("throttled: %v", err)
	}
	for n := range len(answer) {
		if err := kafka.ReadAnswer(answer[:n]); err == nil {
			t.Errorf("cut off after %d bytes, and taken for whole", n)
		}
	}
}
