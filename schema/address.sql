-- The statements of schema/address.c; the table is in shard.sql.

-- :name select_address_blocks
SELECT block, bits FROM address ORDER BY block

-- :name count_address_blocks
SELECT count(*) FROM address

-- :name insert_address_block
INSERT INTO address (block, bits) VALUES (:block, :bits)

-- :name select_segment_addresses
SELECT DISTINCT COLUMN FROM flow_NNNN INDEXED BY flow_NNNN_COLUMN
