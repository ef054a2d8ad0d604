package io.turnstile.bpf.asm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.List;

/**
 * A program as {@link Assembler} made it: instructions, and what its author called their places. Immutable; it holds
 * the numbers of maps' descriptors, so that it means something only in the process that has those.
 *
 * <p>Instructions are numbered by slots of eight bytes, as the kernel's verifier does; one with a 64-bit immediate
 * takes two.
 */
public final class Program {
    private final List<Instruction> instructions;
    private final ProgramNotes notes;
    private final int slots;

    Program(List<Instruction> instructions, ProgramNotes notes) {
        this.instructions = List.copyOf(instructions);
        this.notes = notes;
        slots = instructions.stream().mapToInt(Instruction::slots).sum();
    }

    public List<Instruction> instructions() {
        return instructions;
    }

    /** How many slots of eight bytes it has, which is what the kernel counts as instructions. */
    public int slots() {
        return slots;
    }

    /** The bytes that this machine's kernel takes. */
    public byte[] bytes() {
        return bytes(ByteOrder.nativeOrder());
    }

    byte[] bytes(ByteOrder order) {
        ByteBuffer buffer = ByteBuffer.allocate(slots * Instruction.SLOT_BYTES);
        instructions.forEach(instruction -> instruction.encode(buffer, order));
        return buffer.array();
    }

    /** A slot with the label and the comment near it: {@code 17 (miss+2: read the tuple)}. */
    public String where(int slot) {
        return notes.where(slot);
    }

    /** Labels that were bound at a slot. */
    public List<String> labels(int slot) {
        return notes.labels(slot);
    }

    /** Comments on the instruction at a slot. */
    public List<String> comments(int slot) {
        return notes.comments(slot);
    }

    /**
     * The program for people: labels, comments, and for each instruction its slot, bytes and text, jumps with the label
     * they lead to.
     */
    public String listing() {
        StringBuilder text = new StringBuilder();
        int slot = 0;
        for (Instruction instruction : instructions) {
            labels(slot).forEach(label -> text.append(label).append(":\n"));
            comments(slot)
                    .forEach(
                            comment -> text.append("        ; ").append(comment).append('\n'));
            text.append("%6d: %-47s  %s%s\n"
                    .formatted(slot, hex(instruction), instruction.text(), target(slot, instruction)));
            slot += instruction.slots();
        }
        return text.toString();
    }

    private static String hex(Instruction instruction) {
        ByteBuffer buffer = ByteBuffer.allocate(instruction.slots() * Instruction.SLOT_BYTES);
        instruction.encode(buffer, ByteOrder.nativeOrder());
        return HexFormat.ofDelimiter(" ").formatHex(buffer.array());
    }

    private String target(int slot, Instruction instruction) {
        if (instruction.isCall() && !instruction.isLocalCall()) {
            return Helper.ofNumber((int) instruction.immediate())
                    .map(helper -> " <" + helper.kernelName() + ">")
                    .orElse("");
        }
        if (!instruction.hasTarget()) {
            return "";
        }
        return " <" + String.join(", ", labels(slot + 1 + instruction.distance())) + ">";
    }

    @Override
    public String toString() {
        return "Program of " + slots + " instructions";
    }
}
