import sys
import types

print("TRIED")
for name in ("json", "os", "socket", "threading", "traceback", "inspect"):
    sys.modules[name] = types.ModuleType(name)
