"""Kernels as LLVM's intermediate code alone: they become machine code where they end up, inlined into an entry.

numba would optimise and assemble each kernel together with all that it calls, layer upon layer: half of a cold compile,
for code that nobody runs. The code of an entry comes out the same.
"""

from typing import Any

import llvmlite.binding as llvm
from numba import _dynfunc
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, CompileResult, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.environment import lookup_environment
from numba.core.typed_passes import NativeLowering


class KernelLibrary(JITCodeLibrary):
    """The code of a kernel and of what it calls, to be linked into others. Nothing of it can be executed."""

    def _optimize_final_module(self) -> None:
        """Leave it to who links it: the entry is optimised as a whole."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True

    def serialize_using_object_code(self) -> Any:
        """Return what the cache keeps: there is no object code."""
        return self.serialize_using_bitcode()

    @classmethod
    def from_cache(cls, codegen: Any, state: Any) -> "KernelLibrary":
        """Return what `serialize_using_object_code` gave."""
        name, _, bitcode = state
        library = cls(codegen, name)
        library._final_module = llvm.parse_bitcode(bitcode)
        library._finalize_final_module()
        return library


def _name_of(library: KernelLibrary, descriptor: Any, environment: Any) -> Any:
    """Return what numba knows a compiled function by: a function object, here without code (address 0)."""
    name = descriptor.qualname.split(".")[-1]
    return _dynfunc.make_function(descriptor.lookup_module(), name, "", 0, environment, (library,))


@register_pass(mutates_CFG=True, analysis_only=False)
class _KernelLowering(NativeLowering):
    _name = "kernel_lowering"

    def run_pass(self, state: Any) -> bool:
        library = KernelLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library, state.flags.no_compile = library, True
        super().run_pass(state)
        lowered = state["cr"]
        library.finalize()
        function = _name_of(library, lowered.fndesc, lowered.env)
        state.targetctx.insert_user_function(function, lowered.fndesc, [library])
        state.reload_init.extend(library._reload_init)
        state["cr"] = lowered._replace(cfunc=function)
        return True


@register_pass(mutates_CFG=True, analysis_only=False)
class _CalledLowering(NativeLowering):
    _name = "called_lowering"

    def run_pass(self, state: Any) -> bool:
        super().run_pass(state)
        # kernels need theirs to raise with values
        for variable in state.library._final_module.global_variables:
            environment = lookup_environment(variable.name)
            if environment is not None:
                state.library.codegen.set_env(variable.name, environment)
        return True


def _with_lowering(lowering: type[NativeLowering]) -> type[CompilerBase]:
    class Compiler(CompilerBase):
        def define_pipelines(self) -> list[Any]:
            passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
            passes.passes = [(lowering if one is NativeLowering else one, why) for one, why in passes.passes]
            passes.finalize()
            return [passes]

    return Compiler


KernelCompiler = _with_lowering(_KernelLowering)  # for what compiled code calls
CalledCompiler = _with_lowering(_CalledLowering)  # for a kernel that Python calls


def load_kernel(target: Any, payload: Any) -> CompileResult:
    """Return a kernel from the cache: CompileResult._rebuild without machine code."""
    state, descriptor, environment, signature, _, lifted, annotation, reload_init, referenced = payload
    for function in reload_init:
        function()
    library = KernelLibrary.from_cache(target.codegen(), state)
    return CompileResult(
        target_context=target,
        typing_context=target.typing_context,
        library=library,
        environment=environment,
        entry_point=_name_of(library, descriptor, environment),
        fndesc=descriptor,
        type_annotation=annotation,
        signature=signature,
        objectmode=False,
        lifted=lifted,
        typing_error=None,
        call_helper=None,
        metadata=None,
        reload_init=reload_init,
        referenced_envs=referenced,
    )
