"""`grader grade --broker`: sends a class's submissions to workers, and takes their reports in."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from grader.course import Course, Limits
from grader.grading.many import ATTEMPTS, seconds_of_one
from grader.grading.one import Grading, failed_report
from grader.grading.progress import Bar
from grader.grading.workers.board import Board
from grader.grading.workers.broker import BrokerAddress, celery_app, require_celery
from grader.grading.workers.inbox import Dead, UnreadableError, read
from grader.grading.workers.link import Link
from grader.grading.workers.messages import SubmissionKey, Work, course_hash
from grader.grading.workers.queues import DELIVERIES
from grader.grading.workers.task import ended_sentence
from grader.grading.workers.worker import unreachable
from grader.report import Report
from grader.sandbox.bubblewrap import BubblewrapSandbox
from grader.submission import Submission

_AHEAD = 32
"""Submissions that are out at a time, at least. Ctrl-C takes back what of them has not begun."""
_AHEAD_PER_SLOT = 3
_TICK = 0.5
"""Seconds between two looks at the workers."""
_MISSING_SECONDS = 6.0
"""How long nobody takes work before it is said."""
_LOST_SECONDS = 30.0
"""How long a task is nowhere to be seen before it is sent again."""
_TRY_AGAIN_SECONDS = 2.0
"""Between two tries to reach a broker that went away."""
_TASK_GRACE = 60
"""Seconds by which a worker has more than the processes that grade in it."""


@dataclass(frozen=True)
class Order:
    """The order to workers: which submissions, and how."""

    course: Course
    suites: Mapping[str, str]
    """The hash of each exercise that has a hidden suite here, by its id."""
    run: str
    """Names the queue of reports; the same for the same folder of results."""
    seed: int
    repeat: int
    any_seed: bool
    """Whether a report of another seed, of a run that was broken off, is taken."""
    keeps: bool
    """Whether somebody may come back for reports that come later."""


def task_seconds(limits: Limits, repeat: int) -> float:
    """Return how long a worker may take for one submission."""
    return ATTEMPTS * seconds_of_one(limits, repeat) + _TASK_GRACE


def grade_on_workers(
    submissions: Sequence[Submission], order: Order, address: BrokerAddress, bar: Bar
) -> Generator[tuple[Submission, Report]]:
    """Grade each submission on a worker, and yield the reports as they come.

    A report is out of its queue when the next one is asked for: who keeps it first loses none.

    Raises:
        GraderError: Celery is not installed, or the broker does not let us in.
    """
    require_celery()
    return _Controller(submissions, order, address, bar).run()


@dataclass
class _Sent:
    submission: Submission
    work: Work
    at: float
    seen: float = field(default=0.0)
    """When it was last known to be somewhere."""


class _Controller:
    def __init__(
        self, submissions: Sequence[Submission], order: Order, address: BrokerAddress, bar: Bar
    ) -> None:
        self._order = order
        self._address = address
        self._bar = bar
        self._app = celery_app(address)
        self._course = course_hash(dict(order.suites))
        self._board = Board(self._course)
        self._todo = deque(submissions)
        self._set_aside: list[Submission] = []
        """Those over which workers ended: they come once more, each alone, at the end."""
        self._sent: dict[str, _Sent] = {}
        self._open = {self._key_of(each): each for each in submissions}
        self._came: deque[Any] = deque()
        """Messages that were delivered and are not looked at yet."""
        self._waiting = 0
        """Reports of an earlier run that were in the queue when this one began, and are there."""
        self._link: Link | None = None
        unused = self._app.connection_for_write()
        self._lost_errors = (*unused.connection_errors, *unused.channel_errors)
        self._missing_since = time.monotonic()
        self._said = ""
        self._refused = False
        """True once the broker refused what was sent: that is said once."""

    def _key_of(self, each: Submission) -> SubmissionKey:
        exercise = each.exercise.id
        return each.student, exercise, each.hash, self._order.suites[exercise]

    def run(self) -> Generator[tuple[Submission, Report]]:
        """Yield the reports as they come."""
        link = self._first_link()
        try:
            while self._open:
                try:
                    link = self._link or self._again()
                    yield from self._turn(link)
                except self._lost_errors as error:
                    self._drop(error)
        finally:
            self._end()

    def _first_link(self) -> Link:
        try:
            link = self._connect()
            # What a killed controller left would be graded twice.
            link.take_back()
        except self._lost_errors as error:
            raise unreachable(self._address, error) from None
        link.listen()
        return link

    def _connect(self) -> Link:
        self._link = Link(self._app, self._board, self._course, self._order.run, self._came.append)
        self._waiting = self._link.waiting
        return self._link

    def _again(self) -> Link:
        link = self._connect()
        link.listen()
        self._bar.say(f"the broker at {self._address.shown} is there again")
        now = time.monotonic()
        for each in self._sent.values():
            each.seen = now
        return link

    def _drop(self, error: BaseException) -> None:
        """Forget a connection that broke; what was delivered through it comes again."""
        if self._link is not None:
            self._link.close()
            self._link = None
            reason = str(error) or type(error).__name__
            self._bar.say(
                f"the broker at {self._address.shown} went away ({reason}); waiting for it"
            )
        self._came.clear()
        time.sleep(_TRY_AGAIN_SECONDS)

    def _turn(self, link: Link) -> Iterator[tuple[Submission, Report]]:
        """Send what there is room for, take in what came, look at the workers."""
        if self._waiting <= 0:
            self._send(link)
        with suppress(TimeoutError):
            link.connection.drain_events(timeout=_TICK)
        link.connection.heartbeat_check()
        while self._came:
            message = self._came.popleft()
            self._waiting -= 1
            found = self._read(message)
            if found is not None:
                yield found
            message.ack()
        self._look(link)

    # Sending -----------------------------------------------------------------

    def _send(self, link: Link) -> None:
        ahead = max(_AHEAD, _AHEAD_PER_SLOT * self._board.slots)
        while self._todo and len(self._sent) < ahead:
            submission = self._todo[0]
            is_open = self._key_of(submission) in self._open
            if is_open and not self._publish(link, submission):
                break
            self._todo.popleft()
        alone = self._set_aside and not self._sent and not self._todo
        if alone and self._publish(link, self._set_aside[0], last_try=True):
            self._set_aside.pop(0)

    def _publish(self, link: Link, submission: Submission, *, last_try: bool = False) -> bool:
        """Send a submission, and tell whether the broker took it; if not, it comes again."""
        work = Work.of(
            submission,
            run=self._order.run,
            course_hash=self._course,
            suite_hash=self._order.suites[submission.exercise.id],
            seed=self._order.seed,
            repeat=self._order.repeat,
            last_try=last_try,
        )
        if not link.publish(work, task_seconds(self._order.course.limits, self._order.repeat)):
            if not self._refused:
                self._bar.say(
                    f"the broker at {self._address.shown} refuses work; trying again. Look whether "
                    "a policy limits its queues"
                )
            self._refused = True
            return False
        now = time.monotonic()
        self._sent[work.key] = _Sent(submission, work, now, now)
        return True

    # Taking in ---------------------------------------------------------------

    def _read(self, message: Any) -> tuple[Submission, Report] | None:
        """Return what a message says of a submission that is still open, or None."""
        try:
            said = read(message.body, message.headers)
        except UnreadableError as error:
            self._bar.say(f"{error} was passed over")
            return None
        if isinstance(said, Dead):
            return self._bury(said)
        submission = self._open.get(said.submission_key)
        if submission is None or not (self._order.any_seed or said.seed == self._order.seed):
            return None
        report = said.report or self._error(submission, said.problem)
        self._close(submission)
        return submission, report

    def _bury(self, dead: Dead) -> tuple[Submission, Report] | None:
        """Return what becomes of work that the broker took out of the queue, or None: once more."""
        work, submission = dead.work, self._open.get(dead.work.submission_key)
        if submission is None or work.key not in self._sent:
            return None
        del self._sent[work.key]
        if dead.delivered_too_often and not work.last_try:
            self._set_aside.append(submission)
            return None
        sentence = ended_sentence(2 * DELIVERIES)
        if not dead.delivered_too_often:
            sentence = f"the worker or the broker refused it ({dead.reason})"
        self._close(submission)
        return submission, self._error(submission, sentence)

    def _error(self, submission: Submission, sentence: str) -> Report:
        how = Grading(self._order.course, BubblewrapSandbox, self._order.seed, {})
        return failed_report(submission, how, sentence).model_copy(update={"sandbox": "none"})

    def _close(self, submission: Submission) -> None:
        del self._open[self._key_of(submission)]
        for key, each in list(self._sent.items()):
            if each.submission is submission:
                del self._sent[key]
        with suppress(ValueError):
            self._set_aside.remove(submission)

    # Looking at the workers --------------------------------------------------

    def _look(self, link: Link) -> None:
        names = {
            key: f"{each.submission.student} {each.submission.exercise.id}"
            for key, each in self._sent.items()
        }
        self._bar.show(self._board.lines(names))
        now = time.monotonic()
        if missing := self._board.missing():
            if now - self._missing_since > _MISSING_SECONDS and missing != self._said:
                self._bar.say(missing)
                self._said = missing
        else:
            self._missing_since = now
            self._said = ""
        self._find_lost(link, now)

    def _find_lost(self, link: Link, now: float) -> None:
        """Send again what is neither in the queue nor with a worker: a broker lost its data."""
        if not self._sent or now - min(each.seen for each in self._sent.values()) < _LOST_SECONDS:
            return
        if link.ready():
            for each in self._sent.values():
                each.seen = now
            return
        busy = self._board.busy_with
        for key, each in list(self._sent.items()):
            if key in busy:
                each.seen = now
            elif now - each.seen >= _LOST_SECONDS:
                self._publish(link, each.submission, last_try=each.work.last_try)

    # The end -----------------------------------------------------------------

    def _end(self) -> None:
        """Take back what has not begun; remove the queue of reports when nobody waits for more."""
        link = self._link
        if link is None:
            return
        with suppress(*self._lost_errors):
            if self._open:
                link.take_back()
            if not (self._open and self._order.keeps):
                link.results.delete()
        link.close()
