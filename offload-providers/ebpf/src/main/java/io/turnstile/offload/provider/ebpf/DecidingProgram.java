package io.turnstile.offload.provider.ebpf;

import static io.turnstile.bpf.asm.Register.R0;
import static io.turnstile.bpf.asm.Register.R1;
import static io.turnstile.bpf.asm.Register.R10;
import static io.turnstile.bpf.asm.Register.R6;
import static io.turnstile.bpf.asm.Register.R7;
import static io.turnstile.bpf.asm.Register.R9;

import io.turnstile.bpf.asm.Assembler;
import io.turnstile.bpf.asm.Condition;
import io.turnstile.bpf.asm.Program;
import io.turnstile.bpf.asm.Size;
import io.turnstile.bpf.asm.SkBuff;

/**
 * The program on the sockets by which software reads a port, which are told of a frame before anything else is. It
 * finds the frame's path, leaves in this CPU's {@link Slot} what the {@link CarryingProgram} shall do, and hides the
 * frame from the socket; or shows it, and leaves nothing. {@link PathSteps} says what is in which register.
 */
final class DecidingProgram {
    private static final int SHOW_ALL = -1;

    private final Assembler code = new Assembler();
    private final PathSteps steps = new PathSteps(code, new PacketAccess(code));

    private DecidingProgram() {}

    static Program assemble(int slotsFd, int pathsFd, long pauseNs) {
        DecidingProgram program = new DecidingProgram();
        program.steps.findAndRewrite(slotsFd, pathsFd, pauseNs);
        program.decide();
        program.leave();
        return program.code.assemble();
    }

    /** R9: flags. */
    private void decide() {
        code.label("rewritten")
                .jump(Condition.SET, R9, Flag.SET_TAG, "tag")
                .label("tag done")
                .store(Size.U32, R7, Slot.FLAGS, R9);
        steps.copy(Size.U32, PathValue.EGRESS, Slot.EGRESS);
        steps.copy(Size.U32, PathValue.COUNTER, Slot.COUNTER);
        steps.copy(Size.U16, PathValue.ADDRESS_DIFFERENCE, Slot.ADDRESS_DIFFERENCE);
        steps.copy(Size.U16, PathValue.PORT_DIFFERENCE, Slot.PORT_DIFFERENCE);
        steps.copy(Size.U32, PathValue.MARK, Slot.MARK);
        steps.copy(Size.U32, PathValue.PRIORITY, Slot.PRIORITY);
        code.load(Size.U32, R1, R10, PathSteps.CHECKSUM_AT)
                .store(Size.U32, R7, Slot.CHECKSUM_AT, R1)
                .load(Size.U32, R1, R10, PathSteps.CHECKSUM_FLAGS)
                .store(Size.U32, R7, Slot.CHECKSUM_FLAGS, R1)
                .load(Size.U32, R1, R6, SkBuff.LEN.offset())
                .store(Size.U32, R7, Slot.FRAME_BYTES, R1)
                .load(Size.U32, R1, R10, PathSteps.KEY + PathKey.IFINDEX)
                .store(Size.U32, R7, Slot.INGRESS, R1)
                .mov(R0, 0)
                .exit();
        steps.decideTag();
    }

    private void leave() {
        SlotSteps slot = new SlotSteps(code);
        code.label("guarded");
        slot.increment(Slot.GUARD_FAILURES);
        code.label("up");
        slot.endState();
        code.label("show").mov(R0, SHOW_ALL).exit();
    }
}
