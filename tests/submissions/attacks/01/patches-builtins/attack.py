import builtins

print("TRIED")
builtins.isinstance = lambda *args: True
builtins.len = lambda thing: 7
builtins.open = lambda *args, **kwargs: iter(())
