-- +goose Up
-- Which process changed the row last. What another process committed for a key
-- may not have been handed over here yet; see follow.go.
ALTER TABLE streams ADD COLUMN writer TEXT NOT NULL DEFAULT '';
