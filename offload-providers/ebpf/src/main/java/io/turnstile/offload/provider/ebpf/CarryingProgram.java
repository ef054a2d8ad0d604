package io.turnstile.offload.provider.ebpf;

import static io.turnstile.bpf.asm.Register.R0;
import static io.turnstile.bpf.asm.Register.R1;
import static io.turnstile.bpf.asm.Register.R10;
import static io.turnstile.bpf.asm.Register.R2;
import static io.turnstile.bpf.asm.Register.R3;
import static io.turnstile.bpf.asm.Register.R4;
import static io.turnstile.bpf.asm.Register.R5;
import static io.turnstile.bpf.asm.Register.R6;
import static io.turnstile.bpf.asm.Register.R7;
import static io.turnstile.bpf.asm.Register.R8;
import static io.turnstile.bpf.asm.Register.R9;

import io.turnstile.bpf.asm.AluOp;
import io.turnstile.bpf.asm.Assembler;
import io.turnstile.bpf.asm.Condition;
import io.turnstile.bpf.asm.Helper;
import io.turnstile.bpf.asm.HelperFlags;
import io.turnstile.bpf.asm.Program;
import io.turnstile.bpf.asm.Size;
import io.turnstile.bpf.asm.SkBuff;
import io.turnstile.bpf.asm.TcxAction;

/**
 * The program at the ingress of a port's device: does what the {@link DecidingProgram} has left in this CPU's slot, and
 * lets pass whatever nothing was left for. Checksums go through the kernel's helpers, which know who completes them:
 * the sender has, or a device still will.
 *
 * <p>Registers: R6 the context, R7 the slot, R8 flags, R9 where the transport's checksum is.
 */
final class CarryingProgram {
    private static final int CPU = -4;
    private static final int IPV4_BYTES = Frame.IPV4_TRANSPORT + Frame.PORTS_BYTES;
    private static final int IPV6_BYTES = Frame.IPV6_TRANSPORT + Frame.PORTS_BYTES;

    private final Assembler code = new Assembler();
    private final SlotSteps slot = new SlotSteps(code);

    private CarryingProgram() {}

    static Program assemble(int slotsFd, int countersFd) {
        CarryingProgram program = new CarryingProgram();
        program.takeDecision(slotsFd);
        program.correctChecksums();
        program.writeHeader();
        program.changeTag();
        program.setMetadata();
        program.slot.count(countersFd);
        program.slot.redirect();
        program.otherEnds();
        return program.code.assemble();
    }

    private void takeDecision(int slotsFd) {
        code.mov(R6, R1)
                .call(Helper.GET_SMP_PROCESSOR_ID)
                .store(Size.U32, R10, CPU, R0)
                .loadMap(R1, slotsFd)
                .mov(R2, R10)
                .alu(AluOp.ADD, R2, CPU)
                .call(Helper.MAP_LOOKUP_ELEM)
                .jump(Condition.EQ, R0, 0, "pass")
                .mov(R7, R0)
                .load(Size.U32, R1, R7, Slot.INGRESS)
                .jump(Condition.EQ, R1, 0, "pass")
                .comment("taken, whatever comes of it")
                .store(Size.U32, R7, Slot.INGRESS, 0)
                .load(Size.U32, R2, R6, SkBuff.IFINDEX.offset())
                .jump(Condition.NE, R1, R2, "stale")
                .load(Size.U32, R1, R7, Slot.FRAME_BYTES)
                .load(Size.U32, R2, R6, SkBuff.LEN.offset())
                .jump(Condition.NE, R1, R2, "stale")
                .load(Size.U32, R8, R7, Slot.FLAGS)
                .load(Size.U32, R9, R7, Slot.CHECKSUM_AT);
    }

    private void correctChecksums() {
        code.jump(Condition.SET, R8, Flag.SET_ADDRESSES, "addresses")
                .label("addresses done")
                .jump(Condition.SET, R8, Flag.SET_PORTS, "ports")
                .label("ports done");
    }

    private void writeHeader() {
        code.jump(Condition.SET, R8, Flag.WRITE_HEADER, "header").label("header done");
    }

    private void changeTag() {
        code.jump(Condition.SET, R8, Flag.POP_TAG, "pop")
                .label("pop done")
                .jump(Condition.SET, R8, Flag.PUSH_TAG, "push")
                .label("push done");
    }

    private void setMetadata() {
        code.jump(Condition.SET, R8, Flag.SET_MARK, "mark")
                .label("mark done")
                .jump(Condition.SET, R8, Flag.SET_PRIORITY, "priority")
                .label("priority done");
    }

    private void otherEnds() {
        code.label("addresses").load(Size.U32, R4, R7, Slot.ADDRESS_DIFFERENCE);
        replaceChecksum(HelperFlags.PSEUDO_HDR, "addresses done");
        code.label("ports").load(Size.U32, R4, R7, Slot.PORT_DIFFERENCE);
        replaceChecksum(0, "ports done");
        code.label("header")
                .mov(R1, R6)
                .mov(R2, 0)
                .mov(R3, R7)
                .alu(AluOp.ADD, R3, Slot.HEADER)
                .mov(R4, IPV4_BYTES)
                .mov(R5, HelperFlags.INVALIDATE_HASH)
                .jump(Condition.SET, R8, Flag.IPV6, "ipv6 header")
                .call(Helper.SKB_STORE_BYTES)
                .jump(Condition.NE, R0, 0, "drop")
                .goTo("header done")
                .label("ipv6 header")
                .mov(R4, IPV6_BYTES)
                .call(Helper.SKB_STORE_BYTES)
                .jump(Condition.NE, R0, 0, "drop")
                .comment(
                        "if a device has summed the packet up: an IPv6 header has no checksum that makes up for changes")
                .mov(R1, R6)
                .load(Size.U32, R2, R7, Slot.HEADER_DIFFERENCE)
                .call(Helper.CSUM_UPDATE)
                .goTo("header done");
        code.label("pop")
                .mov(R1, R6)
                .call(Helper.SKB_VLAN_POP)
                .jump(Condition.NE, R0, 0, "drop")
                .goTo("pop done")
                .label("push")
                .mov(R1, R6)
                .mov(R2, Wire.u16(Frame.ETHERTYPE_VLAN))
                .load(Size.U32, R3, R7, Slot.TAG)
                .call(Helper.SKB_VLAN_PUSH)
                .jump(Condition.NE, R0, 0, "drop")
                .goTo("push done");
        code.label("mark")
                .load(Size.U32, R1, R7, Slot.MARK)
                .store(Size.U32, R6, SkBuff.MARK.offset(), R1)
                .goTo("mark done")
                .label("priority")
                .load(Size.U32, R1, R7, Slot.PRIORITY)
                .store(Size.U32, R6, SkBuff.PRIORITY.offset(), R1)
                .goTo("priority done");
        code.label("drop");
        slot.increment(Slot.DROPS);
        slot.endState();
        code.mov(R0, TcxAction.DROP.code()).exit();
        code.label("stale");
        slot.increment(Slot.STALE);
        slot.endState();
        code.label("pass").mov(R0, TcxAction.NEXT.code()).exit();
    }

    /** By a difference (size 0), which is in R4. */
    private void replaceChecksum(int flags, String done) {
        code.mov(R1, R6)
                .mov(R2, R9)
                .mov(R3, 0)
                .load(Size.U32, R5, R7, Slot.CHECKSUM_FLAGS)
                .alu(AluOp.OR, R5, flags)
                .call(Helper.L4_CSUM_REPLACE)
                .jump(Condition.NE, R0, 0, "drop")
                .goTo(done);
    }
}
