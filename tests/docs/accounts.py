"""How the documentation's commands are run in a test: as they stand, unless they are named here.

A new command needs an entry only where it cannot be run, waits for another one, or takes long.
"""

from __future__ import annotations

NOT_RUN = {
    "make setup && source .venv/bin/activate": "tests/grader/setup/test_setup_python.py; it has been run",
    "grader validate --exercise 01": "the first command of `make test`",
    **dict.fromkeys(
        (
            "cd ../notebooks",
            "nbgrader generate_assignment 01",
            "nbgrader autograde 01",
            "nbgrader generate_feedback 01",
            "nbgrader export",
            "grader intake ../notebooks/submitted submissions",
            "grader grade submissions --out ../notebooks/results --no-gradebook",
            "grader gradebook ../notebooks/results --db sqlite:///../notebooks/gradebook.db",
        ),
        "tests/grader/test_notebooks.py runs nbgrader's commands on notebooks that were handed in",
    ),
    "grader compare --own --real": "needs an SQS and a Kafka of one's own",
    "make demo": "grades a class of all exercises; what it calls has tests of its own",
    "make test": "this test is a part of it",
}
"""Commands that a test leaves out, each with its reason."""

REPEATS = ("resources/README.md",)
"""Pages whose commands are all run as part of another page."""

UNSOLVED = ("docs/instructors.md",)
"""Pages that are read with stubs in exercises/; elsewhere the reader has solved them."""

FIXED_PORTS = ("exercises/",)
"""Folders whose pages talk to servers on fixed ports: they are run on a loopback of their own. No
submission is graded there, since a sandbox cannot be made inside another one."""

FASTER = (
    (r"(event_generator\.py .*)--interval [\d.]+", r"\1--interval 0.02"),
    (r"--poll-interval [\d.]+", "--poll-interval 0.05"),
    (r"^(grader compare .*)", r"\1 --only tail --events 20"),
)
"""Arguments that only make one wait, and what a test takes in their place."""

AS_ON_A_TERMINAL = ((r"\bredis-cli ", "redis-cli --no-raw "),)
"""Programs that print otherwise where no terminal is, and how they are told not to."""

TOGETHER = {
    "python exercises/02/demo.py tail taxi_events.jsonl": None,
    "python exercises/02/demo.py socket": "start the producer now",
    "python exercises/03/demo.py redis": "start the producer now",
}
"""Commands that wait for the one behind them, as in two terminals, and what they say when it may
begin; None: at once."""

FIRST = {
    "ls -l /proc/$!/fd | grep inotify": (
        "until ls -l /proc/$!/fd | grep -q inotify; do sleep 0.02; done"
    ),
    "kill -TERM $!": 'until grep -q "event  3" $before || ! kill -0 $!; do sleep 0.02; done',
    "kill -9 $!": 'until grep -q "event  3" $before || ! kill -0 $!; do sleep 0.02; done',
}
"""What a page says in words, or a person's slowness does: run before the command. `$before` is where
the command before it prints."""
