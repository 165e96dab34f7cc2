-- +goose Up
-- Which process changed the row last: for the version before, which hands over in
-- memory what follows.
ALTER TABLE streams ADD COLUMN writer TEXT NOT NULL DEFAULT '';
