package io.turnstile.bpf;

import static io.turnstile.bpf.asm.Register.R0;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.bpf.asm.Assembler;
import io.turnstile.bpf.asm.Program;
import io.turnstile.bpf.asm.Size;
import org.junit.jupiter.api.Test;

/** What is made of a verifier's log. */
class VerifierLogTest {
    private static final Program PROGRAM = new Assembler()
            .label("start")
            .mov(R0, 0)
            .loadImmediate(R0, 5)
            .label("read")
            .comment("out of thin air")
            .load(Size.U8, R0, R0, 0)
            .exit()
            .assemble();

    private static final String LOG = """
            0: R1=ctx() R10=fp0
            0: (b7) r0 = 0                        ; R0_w=0
            1: (18) r0 = 0x5                      ; R0_w=5
            3: (71) r0 = *(u8 *)(r0 +0)
            R0 invalid mem access 'scalar'
            processed 3 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
            """;

    @Test
    void theReasonIsTheLastWordWithItsPlace() {
        assertThat(new VerifierLog(PROGRAM, LOG).reason())
                .isEqualTo("R0 invalid mem access 'scalar', at instruction 3 (read: out of thin air)");
    }

    @Test
    void labelsAndCommentsStandAboveTheirInstructions() {
        assertThat(new VerifierLog(PROGRAM, LOG).annotated()).isEqualTo("""
                0: R1=ctx() R10=fp0
                start:
                0: (b7) r0 = 0                        ; R0_w=0
                1: (18) r0 = 0x5                      ; R0_w=5
                read:
                    ; out of thin air
                3: (71) r0 = *(u8 *)(r0 +0)
                R0 invalid mem access 'scalar'
                processed 3 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
                """);
    }

    @Test
    void whatIsSaidOfNoInstructionHasNoPlace() {
        assertThat(new VerifierLog(PROGRAM, "last insn is not an exit or jmp\n").reason())
                .isEqualTo("last insn is not an exit or jmp");
    }

    @Test
    void anEmptyLogIsSaidToBeEmpty() {
        assertThat(new VerifierLog(PROGRAM, "").reason()).isEqualTo("the verifier said nothing");
    }
}
