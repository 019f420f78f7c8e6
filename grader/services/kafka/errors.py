"""The errors that a broker answers with."""

from __future__ import annotations

ERRORS = {
    "UNKNOWN": -1,
    "OFFSET_OUT_OF_RANGE": 1,
    "UNKNOWN_TOPIC_OR_PART": 3,
    "LEADER_NOT_AVAILABLE": 5,
    "NOT_LEADER_FOR_PARTITION": 6,
    "REQUEST_TIMED_OUT": 7,
    "MSG_SIZE_TOO_LARGE": 10,
    "OFFSET_METADATA_TOO_LARGE": 12,
    "COORDINATOR_LOAD_IN_PROGRESS": 14,
    "COORDINATOR_NOT_AVAILABLE": 15,
    "NOT_COORDINATOR": 16,
    "NOT_ENOUGH_REPLICAS": 19,
    "ILLEGAL_GENERATION": 22,
    "UNKNOWN_MEMBER_ID": 25,
    "REBALANCE_IN_PROGRESS": 27,
    "INVALID_COMMIT_OFFSET_SIZE": 28,
    "TOPIC_AUTHORIZATION_FAILED": 29,
    "GROUP_AUTHORIZATION_FAILED": 30,
    "CLUSTER_AUTHORIZATION_FAILED": 31,
    "POLICY_VIOLATION": 44,
    "KAFKA_STORAGE_ERROR": 56,
    "FENCED_INSTANCE_ID": 82,
    "INVALID_RECORD": 87,
    "_TRANSPORT": -195,
}
"""Numbers of the errors that a broker answers with, by the client's names for them. `_TRANSPORT`
cuts the connection instead."""
