package io.turnstile.bpf;

import static io.turnstile.bpf.asm.Register.R0;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.turnstile.bpf.asm.Assembler;
import io.turnstile.bpf.asm.Helper;
import io.turnstile.bpf.asm.Size;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The numbers of helpers: the kernel's own names for them stand in its verifier's log. */
@Tag("system")
class HelperInKernelTest {
    @ParameterizedTest
    @EnumSource
    void theKernelCallsItByTheSameName(Helper helper) {
        // Refused for its last instruction at the latest: only then is there a log.
        Assembler assembler =
                new Assembler().call(helper).load(Size.U8, R0, R0, 0).exit();

        BpfException refusal = catchThrowableOfType(
                BpfException.class, () -> LoadedProgram.load(ProgramType.TC, "test", "GPL", assembler.assemble()));

        assertThat(refusal.verifierLog().orElseThrow().text())
                .contains("call " + helper.kernelName() + "#" + helper.number());
    }
}
