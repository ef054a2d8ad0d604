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
import io.turnstile.bpf.asm.Program;
import io.turnstile.bpf.asm.Size;
import io.turnstile.bpf.asm.XdpAction;
import io.turnstile.bpf.asm.XdpMd;

/**
 * The program in the driver of a port's device. It runs before sockets are told of a frame, so it decides and carries
 * in one go; what it does not carry passes to the {@link DecidingProgram} and the {@link CarryingProgram} behind it,
 * which may, and know more of a frame. {@link PathSteps} says what is in which register.
 */
final class XdpProgram {
    private static final int WORD_MASK = 0xffff;
    /** More than any place of a checksum, for the verifier. */
    private static final int FARTHEST_CHECKSUM = 127;

    private final Assembler code = new Assembler();
    private final PathSteps steps = new PathSteps(code, new XdpAccess(code));
    private final SlotSteps slot = new SlotSteps(code);

    private XdpProgram() {}

    static Program assemble(int slotsFd, int pathsFd, int countersFd, long pauseNs) {
        XdpProgram program = new XdpProgram();
        program.steps.findAndRewrite(slotsFd, pathsFd, pauseNs);
        program.decide();
        program.changeLength();
        program.write();
        program.send(countersFd);
        program.leave();
        return program.code.assemble();
    }

    private void decide() {
        code.label("rewritten").jump(Condition.SET, R9, Flag.SET_TAG, "tag").label("tag done");
        steps.copy(Size.U32, PathValue.EGRESS, Slot.EGRESS);
        steps.copy(Size.U32, PathValue.COUNTER, Slot.COUNTER);
    }

    /** Makes room for a tag, or takes one's room away: the only thing that may fail, before anything was changed. */
    private void changeLength() {
        final int tags = Flag.PUSH_TAG | Flag.POP_TAG;
        code.mov(R1, R9)
                .alu(AluOp.AND, R1, tags)
                .mov(R2, -XdpAccess.TAG_BYTES)
                .jump(Condition.EQ, R1, Flag.PUSH_TAG, "adjust")
                .mov(R2, XdpAccess.TAG_BYTES)
                .jump(Condition.EQ, R1, Flag.POP_TAG, "adjust")
                .goTo("adjusted")
                .label("adjust")
                .mov(R1, R6)
                .call(Helper.XDP_ADJUST_HEAD)
                .jump(Condition.NE, R0, 0, "up")
                .label("adjusted");
    }

    private void write() {
        code.jump(Condition.SET, R9, Flag.WRITE_HEADER | Flag.PUSH_TAG | Flag.POP_TAG, "write")
                .goTo("written")
                .label("write")
                .jump(Condition.SET, R9, Flag.PUSH_TAG, "write tagged")
                .jump(Condition.SET, R9, Flag.POP_TAG, "write untagged")
                .load(Size.U32, R1, R10, PathSteps.TAG)
                .jump(Condition.NE, R1, 0, "write tagged")
                .label("write untagged")
                .jump(Condition.SET, R9, Flag.IPV6, "write untagged ipv6");
        write(0, Frame.IPV4_TRANSPORT + Frame.PORTS_BYTES);
        code.label("write untagged ipv6");
        write(0, Frame.IPV6_TRANSPORT + Frame.PORTS_BYTES);
        code.label("write tagged").jump(Condition.SET, R9, Flag.IPV6, "write tagged ipv6");
        write(XdpAccess.TAG_BYTES, Frame.IPV4_TRANSPORT + Frame.PORTS_BYTES);
        code.label("write tagged ipv6");
        write(XdpAccess.TAG_BYTES, Frame.IPV6_TRANSPORT + Frame.PORTS_BYTES);
    }

    /** Writes the frame's headers from the slot, its tag if it gets one, and its transport's checksum. */
    private void write(int tagBytes, int bytes) {
        final int ethertype = Frame.IP - Short.BYTES;
        code.load(Size.U32, R2, R6, XdpMd.DATA.offset())
                .load(Size.U32, R3, R6, XdpMd.DATA_END.offset())
                .mov(R1, R2)
                .alu(AluOp.ADD, R1, tagBytes + bytes)
                .jump(Condition.GT, R1, R3, "drop");
        XdpAccess.copy(code, R7, Slot.HEADER, R2, 0, ethertype);
        XdpAccess.copy(code, R7, Slot.HEADER + ethertype, R2, tagBytes + ethertype, bytes - ethertype);
        if (tagBytes != 0) {
            String kept = code.freshLabel("tag kept");
            code.jump(Condition.SET, R9, Flag.PUSH_TAG, kept + " not")
                    .goTo(kept)
                    .label(kept + " not")
                    .store(Size.U16, R2, ethertype, Wire.u16(Frame.ETHERTYPE_VLAN))
                    .load(Size.U32, R1, R7, Slot.TAG)
                    .toBigEndian(Size.U16, R1)
                    .store(Size.U16, R2, Frame.IP, R1)
                    .label(kept);
        }
        correctChecksum(tagBytes);
    }

    /** As RFC 1624 has it: what was wrong stays wrong. R2: the frame, R3: its end. */
    private void correctChecksum(int tagBytes) {
        String addresses = code.freshLabel("same addresses");
        String ports = code.freshLabel("same ports");
        String changes = code.freshLabel("checksum changes");
        String tcp = code.freshLabel("tcp");
        String store = code.freshLabel("store checksum");
        code.jump(Condition.SET, R9, Flag.SET_ADDRESSES | Flag.SET_PORTS, changes)
                .goTo("written")
                .label(changes)
                .load(Size.U32, R1, R10, PathSteps.CHECKSUM_AT)
                .jump(Condition.GT, R1, FARTHEST_CHECKSUM, "drop")
                .alu(AluOp.ADD, R2, R1)
                .mov(R1, R2)
                .alu(AluOp.ADD, R1, tagBytes + Short.BYTES)
                .jump(Condition.GT, R1, R3, "drop")
                .load(Size.U16, R4, R2, tagBytes)
                .load(Size.U32, R5, R10, PathSteps.CHECKSUM_FLAGS)
                .jump(Condition.EQ, R5, 0, tcp)
                .comment("a datagram without checksum stays without")
                .jump(Condition.EQ, R4, 0, "written")
                .label(tcp)
                .alu32(AluOp.XOR, R4, WORD_MASK);
        addIf(Flag.SET_ADDRESSES, PathValue.ADDRESS_DIFFERENCE, addresses);
        addIf(Flag.SET_PORTS, PathValue.PORT_DIFFERENCE, ports);
        for (int fold = 0; fold < 3; fold++) {
            code.mov(R1, R4)
                    .alu(AluOp.RSH, R1, Short.SIZE)
                    .alu(AluOp.AND, R4, WORD_MASK)
                    .alu(AluOp.ADD, R4, R1);
        }
        code.alu32(AluOp.XOR, R4, WORD_MASK)
                .jump(Condition.NE, R4, 0, store)
                .jump(Condition.EQ, R5, 0, store)
                .comment("0 would say that there is none")
                .mov(R4, WORD_MASK)
                .label(store)
                .store(Size.U16, R2, tagBytes, R4)
                .goTo("written");
    }

    /** Adds a difference to R4 if the flag is set. */
    private void addIf(int flag, int difference, String skipped) {
        code.jump(Condition.SET, R9, flag, skipped + " not")
                .goTo(skipped)
                .label(skipped + " not")
                .load(Size.U16, R1, R8, difference)
                .alu(AluOp.ADD, R4, R1)
                .label(skipped);
    }

    private void send(int countersFd) {
        code.label("written");
        slot.increment(Slot.XDP_FRAMES);
        slot.count(countersFd);
        slot.redirect();
    }

    private void leave() {
        steps.decideTag();
        code.label("drop");
        slot.increment(Slot.DROPS);
        slot.endState();
        code.mov(R0, XdpAction.DROP.code())
                .exit()
                .comment("counted behind, where the frame is looked at again")
                .label("guarded")
                .label("up");
        slot.endState();
        code.label("show").mov(R0, XdpAction.PASS.code()).exit();
    }
}
