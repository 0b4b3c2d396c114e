"""crmlab: the helper package of a workbook that teaches customer relationship management by computing it.

``import crmlab`` is enough: its modules (``crmlab.datasets``, ``crmlab.lifecycle`` …) load at first use.

Examples
--------
>>> import crmlab
>>> crmlab.datasets.__name__
'crmlab.datasets'
"""

from __future__ import annotations


def __getattr__(name: str) -> object:
    """Import a module of the package, or look up its version, at first use (PEP 562)."""
    import importlib

    if name == "__version__":
        from importlib.metadata import version

        return version(__name__)
    if not name.startswith("_"):
        try:
            return importlib.import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise  # the module is there, something that it needs is not
    import difflib

    near = difflib.get_close_matches(name, __dir__(), n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise AttributeError(
        f"crmlab has no module {name!r}.{hint} It has: {', '.join(__dir__())}.", name=name, obj=None
    )


def __dir__() -> list[str]:
    """Return the public modules, so that completion offers them before they are imported."""
    from pkgutil import iter_modules

    return sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_"))
