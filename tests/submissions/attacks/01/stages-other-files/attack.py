import json
import sys

if not hasattr(json, "loads"):
    print("LEAK: json is the submission's own")
if "sitecustomize" in sys.modules and hasattr(sys.modules["sitecustomize"], "ATTACK"):
    print("LEAK: sitecustomize")
print("TRIED")
