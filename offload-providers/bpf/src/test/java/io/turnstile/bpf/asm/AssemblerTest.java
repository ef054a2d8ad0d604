package io.turnstile.bpf.asm;

import static io.turnstile.bpf.asm.Register.R0;
import static io.turnstile.bpf.asm.Register.R1;
import static io.turnstile.bpf.asm.Register.R10;
import static io.turnstile.bpf.asm.Register.R2;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Programs that come out as they were written, and what is said of those that cannot. */
class AssemblerTest {
    private static final int FAR = 40_000;

    private final Assembler assembler = new Assembler();

    private void refusedAtOnce(Consumer<Assembler> instruction, String message) {
        assertThatThrownBy(() -> instruction.accept(assembler))
                .isInstanceOf(AssemblyException.class)
                .hasMessage(message);
    }

    private void refused(String message) {
        assertThatThrownBy(assembler::assemble)
                .isInstanceOf(AssemblyException.class)
                .hasMessage(message);
    }

    private void fill(int length) {
        for (int i = 0; i < length; i++) {
            assembler.mov(R0, i);
        }
    }

    @Test
    void aListingShowsLabelsCommentsBytesAndTargets() {
        Program program = assembler
                .comment("nothing yet")
                .mov(R0, 0)
                .jump(Condition.EQ, R1, 5, "out")
                .label("work")
                .loadImmediate(R2, -1)
                .call(Helper.KTIME_GET_NS)
                .callFunction("half")
                .label("out")
                .exit()
                .label("half")
                .alu(AluOp.RSH, R1, 1)
                .exit()
                .assemble();

        // As on the little-endian machines that we know.
        assertThat(program.listing().lines().map(String::stripTrailing))
                .containsExactly(
                        "        ; nothing yet",
                        "     0: b7 00 00 00 00 00 00 00                          r0 = 0x0",
                        "     1: 15 01 04 00 05 00 00 00                          if r1 == 0x5 goto +0x4 <out>",
                        "work:",
                        "     2: 18 02 00 00 ff ff ff ff 00 00 00 00 ff ff ff ff  r2 = -0x1 ll",
                        "     4: 85 00 00 00 05 00 00 00                          call 0x5 <bpf_ktime_get_ns>",
                        "     5: 85 10 00 00 01 00 00 00                          call pc+0x1 <half>",
                        "out:",
                        "     6: 95 00 00 00 00 00 00 00                          exit",
                        "half:",
                        "     7: 77 01 00 00 01 00 00 00                          r1 >>= 0x1",
                        "     8: 95 00 00 00 00 00 00 00                          exit");
        assertThat(program.slots()).isEqualTo(9);
        assertThat(program.bytes()).hasSize(9 * 8);
    }

    @Test
    void aPlaceIsCalledByTheLabelAndCommentBeforeIt() {
        Program program = assembler
                .mov(R0, 0)
                .comment("the key")
                .mov(R1, 0)
                .label("hit")
                .mov(R0, 1)
                .comment("count it")
                .mov(R0, 2)
                .exit()
                .assemble();

        assertThat(program.where(0)).isEqualTo("0");
        assertThat(program.where(1)).isEqualTo("1 (the key)");
        assertThat(program.where(2)).isEqualTo("2 (hit)");
        assertThat(program.where(4)).isEqualTo("4 (hit+2: count it)");
    }

    @Test
    void freshLabelsDiffer() {
        assertThat(assembler.freshLabel("miss")).isEqualTo("miss.1");
        assertThat(assembler.freshLabel("miss")).isEqualTo("miss.2");
        assertThat(assembler.freshLabel("hit")).isEqualTo("hit.1");
    }

    @Test
    void aProgramStaysAsItWasWhenMoreIsAppended() {
        Program first = assembler.mov(R0, 0).exit().assemble();
        String before = first.listing();

        assembler.label("late").comment("later").exit();

        assertThat(first.listing()).isEqualTo(before);
        assertThat(first.labels(2)).isEmpty();
    }

    @Test
    void aJumpAsLongAsItReachesIsFine() {
        assembler.jump(Condition.EQ, R0, 0, "out");
        fill(Short.MAX_VALUE);
        Program program = assembler.label("out").mov(R0, 0).exit().assemble();

        assertThat(program.instructions().getFirst().offset()).isEqualTo(Short.MAX_VALUE);
    }

    @Test
    void aJumpThatIsTooLongSaysWhatElseThereIs() {
        assembler.label("start").jump(Condition.EQ, R0, 0, "out");
        fill(FAR);
        assembler.label("out").exit();

        refused("instruction 0 (start): label \"out\" is 40000 instructions away, and this jump reaches 32767: "
                + "jump on the opposite condition over a goToFar");
    }

    @Test
    void aGoToThatIsTooLongAsksForAFarOne() {
        assembler.jump(Condition.EQ, R0, 0, "near").goTo("out").label("near");
        fill(FAR);
        assembler.label("out").exit();

        refused("instruction 1: label \"out\" is 40000 instructions away, and this jump reaches 32767: use goToFar");
    }

    @Test
    void aFarGoToReachesIt() {
        assembler.jump(Condition.EQ, R0, 0, "near").goToFar("out").label("near");
        fill(FAR);
        Program program = assembler.label("out").exit().assemble();

        assertThat(program.instructions().get(1).immediate()).isEqualTo(FAR);
    }

    @Test
    void unknownLabelsAreNamedWithWhoWantsThem() {
        assembler.label("start").jump(Condition.EQ, R0, 0, "mis").goTo("away").exit();

        refused("jumps to labels that are bound nowhere: \"away\" (instruction 1 (start+1)), "
                + "\"mis\" (instruction 0 (start))");
    }

    @Test
    void aLabelIsBoundOnce() {
        assembler.mov(R0, 0).label("here").mov(R0, 0);

        refusedAtOnce(
                a -> a.label("here"), "instruction 2 (here+1): label \"here\" is bound twice, first at instruction 1");
    }

    @Test
    void immediatesThatDoNotFitAreRefusedWhereTheyStand() {
        refusedAtOnce(
                a -> a.alu(AluOp.AND, R0, 0xffff_ffffL),
                "instruction 0: immediate 4294967295 (0xffffffff) is not 32 bits sign-extended: use loadImmediate");
        refusedAtOnce(
                a -> a.jump(Condition.EQ, R0, 1L << 31, "x"),
                "instruction 0: immediate 2147483648 (0x80000000) is not 32 bits sign-extended: use loadImmediate");
        refusedAtOnce(
                a -> a.store(Size.U64, R10, -8, 1L << 31),
                "instruction 0: immediate 2147483648 (0x80000000) is not 32 bits sign-extended: use loadImmediate");
        refusedAtOnce(
                a -> a.alu32(AluOp.AND, R0, 1L << 32),
                "instruction 0: immediate 4294967296 (0x100000000) does not fit into 32 bits");
        refusedAtOnce(
                a -> a.jump32(Condition.EQ, R0, -1L << 32, "x"),
                "instruction 0: immediate -4294967296 (0xffffffff00000000) does not fit into 32 bits");
    }

    @Test
    void offsetsThatDoNotFitAreRefused() {
        refusedAtOnce(a -> a.load(Size.U8, R0, R1, 32_768), "instruction 0: offset 32768 does not fit into 16 bits");
        refusedAtOnce(a -> a.store(Size.U8, R1, -32_769, R0), "instruction 0: offset -32769 does not fit into 16 bits");
    }

    @Test
    void whatNoKernelTakesIsRefused() {
        refusedAtOnce(a -> a.mov(R10, 0), "instruction 0: R10, the frame pointer, is read-only");
        refusedAtOnce(a -> a.load(Size.U8, R10, R1, 0), "instruction 0: R10, the frame pointer, is read-only");
        refusedAtOnce(a -> a.alu(AluOp.LSH, R0, 64), "instruction 0: cannot shift 64 bits by 64");
        refusedAtOnce(a -> a.alu32(AluOp.ARSH, R0, 32), "instruction 0: cannot shift 32 bits by 32");
        refusedAtOnce(a -> a.alu(AluOp.RSH, R0, -1), "instruction 0: cannot shift 64 bits by -1");
        refusedAtOnce(a -> a.alu(AluOp.SIGNED_MOD, R0, 0), "instruction 0: cannot divide by 0");
        refusedAtOnce(
                a -> a.atomic(AtomicOp.ADD, Size.U16, R1, 0, R0),
                "instruction 0: atomic operations are on 32 or 64 bits, not on 16");
        refusedAtOnce(a -> a.swapBytes(Size.U8, R0), "instruction 0: one byte has no byte order");
        refusedAtOnce(a -> a.moveSigned32(Size.U32, R0, R1), "instruction 0: 32 bits have nothing to sign-extend to");
        refusedAtOnce(a -> a.moveSigned(Size.U64, R0, R1), "instruction 0: 64 bits have nothing to sign-extend to");
        refusedAtOnce(a -> a.loadSigned(Size.U64, R0, R1, 0), "instruction 0: 64 bits have nothing to sign-extend to");
    }

    @Test
    void aRefusedInstructionLeavesNoTrace() {
        refusedAtOnce(a -> a.mov(R10, 0), "instruction 0: R10, the frame pointer, is read-only");

        assertThat(assembler.mov(R0, 0).exit().assemble().slots()).isEqualTo(2);
    }

    @Test
    void anOpenEndIsRefused() {
        assembler.label("end").mov(R0, 0);

        refused("instruction 0 (end): control runs past the end of the program; end it by exit or a jump");
    }

    @Test
    void aConditionalJumpIsNoEnd() {
        assembler.label("end").jump(Condition.EQ, R0, 0, "end");

        refused("instruction 0 (end): control runs past the end of the program; end it by exit or a jump");
    }

    @Test
    void aLabelBehindTheEndLeadsNowhere() {
        assembler.jump(Condition.EQ, R0, 0, "behind").exit().label("behind");

        refused("instruction 0: leads past the end of the program");
    }

    @Test
    void whatNothingLeadsToIsRefused() {
        assembler.mov(R0, 0).exit().comment("left over").loadImmediate(R0, 1).exit();

        refused("instruction 2 (left over): nothing leads here");
    }

    @Test
    void controlDoesNotRunIntoAFunction() {
        assembler.callFunction("half").label("half").mov(R0, 0).exit();

        refused("instruction 0: control runs into the function at 1 (half); end what is before it by exit or a jump");
    }

    @Test
    void anEmptyProgramIsRefused() {
        refused("the program has no instructions");
    }

    @Test
    void theLongestProgramIsTakenAndALongerOneRefused() {
        for (int i = 1; i < Assembler.MAX_SLOTS; i++) {
            assembler.mov(R0, R1);
        }
        assertThat(assembler.exit().assemble().slots()).isEqualTo(1_000_000);

        assembler.exit();

        refused("the program has 1000001 instructions, and the kernel takes 1000000 at most");
    }
}
