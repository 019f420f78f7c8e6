"""Find librdkafka in confluent-kafka's wheel, and its mock cluster's functions in it.

The client's wheel holds the whole C library, and the library a broker for its own tests. Its
interface is called experimental, so the package's version is pinned in pyproject.toml.

Source: rdkafka_mock.h of librdkafka 2.16.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from grader.errors import ServiceError

PACKAGE = "confluent-kafka"
PINNED = "2.16.1"
"""Of the package; the locks say the same."""
INSTALL = (
    f"Install the locked version from its wheel: "
    f"`pip install --only-binary :all: --force-reinstall {PACKAGE}=={PINNED}`."
)

_HANDLE, _INT, _TEXT = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
_SHORT, _INT32, _INT64, _SIZE = ctypes.c_int16, ctypes.c_int32, ctypes.c_int64, ctypes.c_size_t
_Prototype = tuple[type | None, tuple[type, ...]]
PROTOTYPES: dict[str, _Prototype] = {
    "rd_kafka_version_str": (_TEXT, ()),
    "rd_kafka_conf_new": (_HANDLE, ()),
    "rd_kafka_conf_set": (_INT, (_HANDLE, _TEXT, _TEXT, _TEXT, _SIZE)),
    "rd_kafka_new": (_HANDLE, (_INT, _HANDLE, _TEXT, _SIZE)),
    "rd_kafka_mock_cluster_new": (_HANDLE, (_HANDLE, _INT)),
    "rd_kafka_mock_cluster_bootstraps": (_TEXT, (_HANDLE,)),
    "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, (_HANDLE, _INT32)),
    "rd_kafka_mock_set_controller_id": (None, (_HANDLE, _INT32)),
    "rd_kafka_mock_topic_create": (_INT, (_HANDLE, _TEXT, _INT, _INT)),
    "rd_kafka_mock_topic_delete": (_INT, (_HANDLE, _TEXT)),
    "rd_kafka_mock_partition_delete_records": (_INT, (_HANDLE, _TEXT, _INT32, _INT64)),
    "rd_kafka_mock_push_request_errors_array": (
        None,
        (_HANDLE, _SHORT, _SIZE, ctypes.POINTER(_INT)),
    ),
    "rd_kafka_mock_clear_request_errors": (None, (_HANDLE, _SHORT)),
    "rd_kafka_mock_set_apiversion": (_INT, (_HANDLE, _SHORT, _SHORT, _SHORT)),
    "rd_kafka_mock_broker_set_rtt": (_INT, (_HANDLE, _INT32, _INT)),
}
"""What is called: the type of its result, and those of its arguments."""


def client_version() -> str:
    """Return the installed version of confluent-kafka.

    Raises:
        ServiceError: it is not installed.
    """
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        raise ServiceError(f"{PACKAGE} is not installed", INSTALL) from None


def in_words() -> str:
    """Return the client's name and version; and which is pinned, where another is installed.

    Raises:
        ServiceError: as `client_version`.
    """
    installed = client_version()
    said = f"{PACKAGE} {installed}"
    return said if installed == PINNED else f"{said}; pinned is {PINNED}"


def find_library() -> Path:
    """Return the file in which the mock cluster's functions are.

    A wheel has the library beside the package (Linux, Windows) or in it (macOS); what was built
    here is linked to the system's, which comes with the extension module.

    Raises:
        ServiceError: there is none with all of them.
    """
    installed = client_version()
    missing: list[str] = []
    for path in _candidates():
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        lacks = [name for name in PROTOTYPES if not hasattr(library, name)]
        if not lacks:
            return path
        missing = missing or lacks
    said = f"it lacks {missing[0]}" if missing else "no file of it holds the library"
    raise ServiceError(
        f"{PACKAGE} {installed} as it is installed here brings no mock cluster: {said}", INSTALL
    )


def load_library(path: Path) -> ctypes.CDLL:
    """Load the library and declare the types of what is called."""
    library = ctypes.CDLL(str(path))
    for name, (result, arguments) in PROTOTYPES.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = list(arguments)
    return library


def _candidates() -> Iterator[Path]:
    spec = find_spec("confluent_kafka")
    if spec is None or spec.origin is None:
        return
    package = Path(spec.origin).parent
    beside = package.with_name("confluent_kafka.libs")
    for folder in (beside, package / ".dylibs", package / ".libs"):
        yield from sorted(folder.glob("librdkafka-*.so*"))
        yield from sorted(folder.glob("librdkafka*.dylib"))
        yield from sorted(folder.glob("*rdkafka*.dll"))
    yield from sorted(package.glob("cimpl*.so"))
    yield from sorted(package.glob("cimpl*.pyd"))
