"""Polling, enterprise edition."""

from __future__ import annotations

import json
import os
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path


class OffsetRepository(ABC):
    @abstractmethod
    def get(self) -> int: ...

    @abstractmethod
    def put(self, offset: int) -> None: ...


class NullOffsetRepository(OffsetRepository):
    def get(self) -> int:
        return 0

    def put(self, offset: int) -> None:
        pass


class FileOffsetRepository(OffsetRepository):
    def __init__(self, path, key) -> None:
        self._key = str(key)
        self._path = Path(path)
        self._aside = self._path.with_name(self._path.name + ".next")

    def get(self) -> int:
        try:
            text = self._path.read_text(encoding="ascii")
        except FileNotFoundError:
            return 0
        return json.loads(text).get(self._key, 0) if text else 0

    def put(self, offset: int) -> None:
        self._aside.write_text(json.dumps({self._key: offset}), encoding="ascii")
        self._aside.replace(self._path)


class OffsetRepositoryFactory:
    @staticmethod
    def create(path, key) -> OffsetRepository:
        return NullOffsetRepository() if path is None else FileOffsetRepository(path, key)


@dataclass(frozen=True)
class Record:
    event: dict | None
    end: int


class EventFile:
    def __init__(self, path) -> None:
        self._path = path

    def records(self, offset: int) -> tuple[int, list[Record]]:
        try:
            stream = open(self._path, "rb")
        except FileNotFoundError:
            return 0, []
        with stream:
            if stream.seek(0, os.SEEK_END) < offset:
                offset = 0
            stream.seek(offset)
            return offset, self._read(stream, offset)

    def _read(self, stream, position: int) -> list[Record]:
        records = []
        while True:
            line = stream.readline()
            if not line.endswith(b"\n"):
                return records
            position += len(line)
            records.append(Record(self._parse(line), position))

    @staticmethod
    def _parse(line: bytes) -> dict | None:
        try:
            value = json.loads(line)
        except ValueError:
            return None
        return value if isinstance(value, dict) else None


class PollingService:
    def __init__(self, source: EventFile, repository: OffsetRepository, handle) -> None:
        self._source = source
        self._repository = repository
        self._handle = handle
        self._stored = self._offset = repository.get()
        self._handled = 0

    def get_handled(self) -> int:
        return self._handled

    def poll_once(self) -> None:
        start, records = self._source.records(self._offset)
        restarted = start < self._offset
        self._offset = start
        if restarted:
            self._commit()
        try:
            for record in records:
                if record.event is not None:
                    self._handle(record.event)
                    self._handled += 1
                self._offset = record.end
        finally:
            self._commit()

    def _commit(self) -> None:
        if self._offset != self._stored:
            self._repository.put(self._offset)
            self._stored = self._offset


def read_new_events(path, offset):
    start, records = EventFile(path).records(offset)
    events = [record.event for record in records if record.event is not None]
    return events, records[-1].end if records else start


def poll(path, handle, *, poll_interval=2.0, max_polls=10, offset_path=None, sleep=time.sleep):
    service = PollingService(EventFile(path), OffsetRepositoryFactory.create(offset_path, path), handle)
    for number in range(max_polls):
        service.poll_once()
        if number + 1 < max_polls:
            sleep(poll_interval)
    return service.get_handled()
