package io.turnstile.bpf.asm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * One instruction with its jump distance known (RFC 9669 §3): eight bytes, or sixteen where the immediate has 64 bits.
 *
 * @param opcode 8 bits
 * @param destination register number
 * @param source register number, or what kind of immediate or call this is
 * @param offset signed, 16 bits
 * @param immediate signed, 32 bits, but for a 64-bit immediate
 */
public record Instruction(int opcode, int destination, int source, int offset, long immediate) {
    static final int SLOT_BYTES = 8;

    public Instruction {
        if ((opcode & ~0xff) != 0
                || (destination & ~0xf) != 0
                || (source & ~0xf) != 0
                || offset != (short) offset
                || opcode != Opcodes.WIDE && immediate != (int) immediate) {
            throw new IllegalArgumentException(
                    "fields that no instruction holds: opcode %#x destination %d source %d offset %d immediate %d"
                            .formatted(opcode, destination, source, offset, immediate));
        }
    }

    /** How many places of eight bytes it takes; jumps count in these. */
    public int slots() {
        return opcode == Opcodes.WIDE ? 2 : 1;
    }

    /** The text that llvm-objdump has for it; {@link InstructionText} says where it is another. */
    public String text() {
        return InstructionText.of(this);
    }

    int operationClass() {
        return opcode & Opcodes.CLASS_MASK;
    }

    private boolean isJump() {
        return operationClass() == Opcodes.JMP || operationClass() == Opcodes.JMP32;
    }

    private int operation() {
        return opcode & Opcodes.OPERATION_MASK;
    }

    boolean isExit() {
        return opcode == (Opcodes.JMP | Opcodes.EXIT);
    }

    boolean isLocalCall() {
        return opcode == (Opcodes.JMP | Opcodes.CALL) && source == Opcodes.LOCAL_CALL;
    }

    boolean isCall() {
        return opcode == (Opcodes.JMP | Opcodes.CALL);
    }

    boolean isGoTo() {
        return isJump() && operation() == Opcodes.GO_TO;
    }

    /** Whether it has a target in the program: a jump, or a call of a function. */
    boolean hasTarget() {
        return isLocalCall() || isJump() && !isCall() && !isExit();
    }

    /** How many slots its target is from the slot behind it. */
    int distance() {
        return reachesFar() ? (int) immediate : offset;
    }

    /** Whether the distance stands in the immediate, which has 32 bits, and not in the offset, which has 16. */
    boolean reachesFar() {
        return isLocalCall() || opcode == (Opcodes.JMP32 | Opcodes.GO_TO);
    }

    Instruction withDistance(int distance) {
        return reachesFar()
                ? new Instruction(opcode, destination, source, 0, distance)
                : new Instruction(opcode, destination, source, distance, immediate);
    }

    /** Whether what stands behind it can be next; true of calls, which return. */
    boolean continues() {
        return !isExit() && !isGoTo();
    }

    /**
     * Appends its bytes as a machine of that byte order wants them: there the two register fields change places, too.
     */
    void encode(ByteBuffer into, ByteOrder order) {
        boolean little = order == ByteOrder.LITTLE_ENDIAN;
        into.order(order)
                .put((byte) opcode)
                .put((byte) (little ? source << 4 | destination : destination << 4 | source))
                .putShort((short) offset)
                .putInt((int) immediate);
        if (slots() == 2) {
            into.putInt(0).putInt((int) (immediate >>> Integer.SIZE));
        }
    }
}
