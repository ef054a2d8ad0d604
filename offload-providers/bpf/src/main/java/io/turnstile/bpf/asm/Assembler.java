package io.turnstile.bpf.asm;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The assembler: each method but the last appends one instruction, a label or a comment, and {@link #assemble} makes
 * the program.
 *
 * <p>It knows every instruction up to CPU version 4 and leaves it to the caller which of them the kernel has. What no
 * kernel could take is refused by an {@link AssemblyException} that says where: at the instruction itself if it is
 * wrong by itself, else by {@link #assemble}.
 *
 * <p>Not for several threads. After {@link #assemble} more may be appended and assembled again.
 */
public final class Assembler {
    /** What the kernel takes from who may load any program (BPF_COMPLEXITY_LIMIT_INSNS in linux/bpf.h). */
    static final int MAX_SLOTS = 1_000_000;

    private final List<Draft> drafts = new ArrayList<>();
    private final Map<String, Integer> slotsByLabel = new HashMap<>();
    private final ProgramNotes notes = new ProgramNotes();
    private final Map<String, Integer> stems = new HashMap<>();
    private int slots;

    /** An instruction whose distance is not yet known if it has a target. */
    private record Draft(
            int slot, Instruction instruction, @Nullable String target) {}

    // --- labels and comments
    // ---------------------------------------------------------------------------------------------

    /** The next instruction is what jumps to {@code name} lead to. */
    public Assembler label(String name) {
        if (slotsByLabel.putIfAbsent(name, slots) != null) {
            throw wrong("label \"%s\" is bound twice, first at instruction %d".formatted(name, slotsByLabel.get(name)));
        }
        notes.label(slots, name);
        return this;
    }

    /** A name for a label that this assembler has not given out before, for code that is written out more than once. */
    public String freshLabel(String stem) {
        return stem + "." + stems.merge(stem, 1, Integer::sum);
    }

    /** A remark on the next instruction, for listings and annotated verifier logs. */
    public Assembler comment(String text) {
        notes.comment(slots, text);
        return this;
    }

    // --- arithmetic
    // ------------------------------------------------------------------------------------------------------

    /** {@code destination = destination op source}, on 64 bits. */
    public Assembler alu(AluOp op, Register destination, Register source) {
        return arithmetic(Opcodes.ALU64, op, destination, source);
    }

    /** {@code destination = destination op immediate}, on 64 bits; the immediate's 32 bits are sign-extended. */
    public Assembler alu(AluOp op, Register destination, long immediate) {
        return arithmetic(Opcodes.ALU64, op, destination, signed32(immediate));
    }

    /** The same on the lower 32 bits; the upper become 0. */
    public Assembler alu32(AluOp op, Register destination, Register source) {
        return arithmetic(Opcodes.ALU, op, destination, source);
    }

    /** The same on the lower 32 bits; the upper become 0. The immediate may be given signed or unsigned. */
    public Assembler alu32(AluOp op, Register destination, long immediate) {
        return arithmetic(Opcodes.ALU, op, destination, any32(immediate));
    }

    public Assembler mov(Register destination, Register source) {
        return alu(AluOp.MOV, destination, source);
    }

    /** The immediate's 32 bits are sign-extended; {@link #loadImmediate} takes 64. */
    public Assembler mov(Register destination, long immediate) {
        return alu(AluOp.MOV, destination, immediate);
    }

    /** {@code destination} = the lower {@code size} of {@code source}, sign-extended to 64 bits. CPU version 4. */
    public Assembler moveSigned(Size size, Register destination, Register source) {
        return extend(Opcodes.ALU64, size, size != Size.U64, destination, source);
    }

    /**
     * {@code destination} = the lower {@code size} of {@code source}, sign-extended to 32 bits; the upper become 0. CPU
     * version 4.
     */
    public Assembler moveSigned32(Size size, Register destination, Register source) {
        return extend(Opcodes.ALU, size, size == Size.U8 || size == Size.U16, destination, source);
    }

    public Assembler negate(Register destination) {
        return append(Opcodes.ALU64 | Opcodes.NEGATE, written(destination), 0, 0, 0);
    }

    /** On the lower 32 bits; the upper become 0. */
    public Assembler negate32(Register destination) {
        return append(Opcodes.ALU | Opcodes.NEGATE, written(destination), 0, 0, 0);
    }

    /** Turns the lower {@code size} from the machine's byte order to big-endian or back; the upper become 0. */
    public Assembler toBigEndian(Size size, Register destination) {
        return swap(Opcodes.ALU | Opcodes.END | Opcodes.FROM_REGISTER, size, destination);
    }

    /** Turns the lower {@code size} from the machine's byte order to little-endian or back; the upper become 0. */
    public Assembler toLittleEndian(Size size, Register destination) {
        return swap(Opcodes.ALU | Opcodes.END, size, destination);
    }

    /** Turns the bytes of the lower {@code size} round on any machine; the upper become 0. CPU version 4. */
    public Assembler swapBytes(Size size, Register destination) {
        return swap(Opcodes.ALU64 | Opcodes.END, size, destination);
    }

    // --- memory
    // ----------------------------------------------------------------------------------------------------------

    /** {@code destination} = what stands at {@code base + offset}, zero-extended. */
    public Assembler load(Size size, Register destination, Register base, int offset) {
        return append(
                Opcodes.LDX | Opcodes.MEM | size.code(), written(destination), base.number(), offset16(offset), 0);
    }

    /** {@code destination} = what stands at {@code base + offset}, sign-extended. CPU version 4. */
    public Assembler loadSigned(Size size, Register destination, Register base, int offset) {
        if (size == Size.U64) {
            throw wrong("64 bits have nothing to sign-extend to");
        }
        int opcode = Opcodes.LDX | Opcodes.MEM_SIGNED | size.code();
        return append(opcode, written(destination), base.number(), offset16(offset), 0);
    }

    /** What stands at {@code base + offset} = the lower {@code size} of {@code source}. */
    public Assembler store(Size size, Register base, int offset, Register source) {
        return append(Opcodes.STX | Opcodes.MEM | size.code(), base.number(), source.number(), offset16(offset), 0);
    }

    /** What stands at {@code base + offset} = the immediate, sign-extended to 64 bits if {@code size} has so many. */
    public Assembler store(Size size, Register base, int offset, long immediate) {
        int value = size == Size.U64 ? signed32(immediate) : any32(immediate);
        return append(Opcodes.ST | Opcodes.MEM | size.code(), base.number(), 0, offset16(offset), value);
    }

    /** {@code op} on what stands at {@code base + offset} and {@code source}. */
    public Assembler atomic(AtomicOp op, Size size, Register base, int offset, Register source) {
        if (size != Size.U32 && size != Size.U64) {
            throw wrong("atomic operations are on 32 or 64 bits, not on " + size.bits());
        }
        int opcode = Opcodes.STX | Opcodes.ATOMIC | size.code();
        return append(opcode, base.number(), source.number(), offset16(offset), op.immediate());
    }

    /** {@code destination} = 64 bits; two slots. */
    public Assembler loadImmediate(Register destination, long immediate) {
        return append(Opcodes.WIDE, written(destination), 0, 0, immediate);
    }

    /** {@code destination} = the map behind a descriptor of the process that will load the program. */
    public Assembler loadMap(Register destination, int mapFd) {
        return append(Opcodes.WIDE, written(destination), Opcodes.MAP_FD, 0, Integer.toUnsignedLong(mapFd));
    }

    /** {@code destination} = address of the only value of an array map, plus {@code offsetBytes}. */
    public Assembler loadMapValue(Register destination, int mapFd, int offsetBytes) {
        long immediate = (long) offsetBytes << Integer.SIZE | Integer.toUnsignedLong(mapFd);
        return append(Opcodes.WIDE, written(destination), Opcodes.MAP_VALUE, 0, immediate);
    }

    // --- jumps and calls
    // -------------------------------------------------------------------------------------------------

    public Assembler goTo(String label) {
        return append(new Instruction(Opcodes.JMP | Opcodes.GO_TO, 0, 0, 0, 0), label);
    }

    /** A jump of any distance. CPU version 4. */
    public Assembler goToFar(String label) {
        return append(new Instruction(Opcodes.JMP32 | Opcodes.GO_TO, 0, 0, 0, 0), label);
    }

    /** Goes to {@code label} if {@code first condition second}, compared as 64 bits. */
    public Assembler jump(Condition condition, Register first, Register second, String label) {
        return jump(Opcodes.JMP, condition, first, second, label);
    }

    /**
     * Goes to {@code label} if {@code first condition immediate}, compared as 64 bits, to which the immediate's 32 are
     * sign-extended.
     */
    public Assembler jump(Condition condition, Register first, long immediate, String label) {
        return jump(Opcodes.JMP, condition, first, signed32(immediate), label);
    }

    /** Compared as 32 bits. */
    public Assembler jump32(Condition condition, Register first, Register second, String label) {
        return jump(Opcodes.JMP32, condition, first, second, label);
    }

    /** Compared as 32 bits; the immediate may be given signed or unsigned. */
    public Assembler jump32(Condition condition, Register first, long immediate, String label) {
        return jump(Opcodes.JMP32, condition, first, any32(immediate), label);
    }

    public Assembler call(Helper helper) {
        return append(Opcodes.JMP | Opcodes.CALL, 0, 0, 0, helper.number());
    }

    /** Calls a function of this program, which begins at {@code label} and ends with {@link #exit}. */
    public Assembler callFunction(String label) {
        return append(new Instruction(Opcodes.JMP | Opcodes.CALL, 0, Opcodes.LOCAL_CALL, 0, 0), label);
    }

    /** Ends the function or the program, whose result is in R0. */
    public Assembler exit() {
        return append(Opcodes.JMP | Opcodes.EXIT, 0, 0, 0, 0);
    }

    // --- the end
    // ---------------------------------------------------------------------------------------------------------

    /**
     * The program as it stands.
     *
     * @throws AssemblyException if a label is unknown, a jump too long, the program too long or empty, its end or that
     *     of a function open, or an instruction out of reach, which the kernel refuses, too
     */
    public Program assemble() {
        requireKnownLabels();
        if (slots > MAX_SLOTS) {
            throw new AssemblyException(
                    "the program has %d instructions, and the kernel takes %d at most".formatted(slots, MAX_SLOTS));
        }
        List<Instruction> instructions = new ArrayList<>(drafts.size());
        drafts.forEach(draft -> instructions.add(resolved(draft)));
        Program program = new Program(instructions, notes.copy());
        ControlFlow.check(program);
        return program;
    }

    private void requireKnownLabels() {
        TreeSet<String> unknown = new TreeSet<>();
        for (Draft draft : drafts) {
            if (draft.target != null && !slotsByLabel.containsKey(draft.target)) {
                unknown.add('"' + draft.target + "\" (instruction " + notes.where(draft.slot) + ")");
            }
        }
        if (!unknown.isEmpty()) {
            throw new AssemblyException("jumps to labels that are bound nowhere: " + String.join(", ", unknown));
        }
    }

    private Instruction resolved(Draft draft) {
        Instruction instruction = draft.instruction;
        if (draft.target == null) {
            return instruction;
        }
        int distance = slotsByLabel.getOrDefault(draft.target, 0) - (draft.slot + 1);
        if (!instruction.reachesFar() && distance != (short) distance) {
            String advice = instruction.isGoTo() ? "use goToFar" : "jump on the opposite condition over a goToFar";
            throw new AssemblyException(
                    "instruction %s: label \"%s\" is %d instructions away, and this jump reaches %d: %s"
                            .formatted(notes.where(draft.slot), draft.target, distance, (int) Short.MAX_VALUE, advice));
        }
        return instruction.withDistance(distance);
    }

    // --- parts of the above
    // ----------------------------------------------------------------------------------------------

    private Assembler arithmetic(int opcodeClass, AluOp op, Register destination, Register source) {
        int opcode = opcodeClass | op.code() | Opcodes.FROM_REGISTER;
        return append(opcode, written(destination), source.number(), op.offset(), 0);
    }

    private Assembler arithmetic(int opcodeClass, AluOp op, Register destination, int immediate) {
        int bits = opcodeClass == Opcodes.ALU64 ? Long.SIZE : Integer.SIZE;
        if (op.isShift() && (immediate < 0 || immediate >= bits)) {
            throw wrong("cannot shift %d bits by %d".formatted(bits, immediate));
        }
        if (op.isDivision() && immediate == 0) {
            throw wrong("cannot divide by 0");
        }
        return append(opcodeClass | op.code(), written(destination), 0, op.offset(), immediate);
    }

    private Assembler extend(int opcodeClass, Size size, boolean isNarrower, Register destination, Register source) {
        if (!isNarrower) {
            throw wrong("%d bits have nothing to sign-extend to".formatted(size.bits()));
        }
        int opcode = opcodeClass | AluOp.MOV.code() | Opcodes.FROM_REGISTER;
        return append(opcode, written(destination), source.number(), size.bits(), 0);
    }

    private Assembler swap(int opcode, Size size, Register destination) {
        if (size == Size.U8) {
            throw wrong("one byte has no byte order");
        }
        return append(opcode, written(destination), 0, 0, size.bits());
    }

    private Assembler jump(int opcodeClass, Condition condition, Register first, Register second, String label) {
        int opcode = opcodeClass | condition.code() | Opcodes.FROM_REGISTER;
        return append(new Instruction(opcode, first.number(), second.number(), 0, 0), label);
    }

    private Assembler jump(int opcodeClass, Condition condition, Register first, int immediate, String label) {
        return append(new Instruction(opcodeClass | condition.code(), first.number(), 0, 0, immediate), label);
    }

    private Assembler append(int opcode, int destination, int source, int offset, long immediate) {
        return append(new Instruction(opcode, destination, source, offset, immediate), null);
    }

    private Assembler append(Instruction instruction, @Nullable String target) {
        drafts.add(new Draft(slots, instruction, target));
        slots += instruction.slots();
        return this;
    }

    private int written(Register register) {
        if (register == Register.R10) {
            throw wrong("R10, the frame pointer, is read-only");
        }
        return register.number();
    }

    private int offset16(int offset) {
        if (offset != (short) offset) {
            throw wrong("offset %d does not fit into 16 bits".formatted(offset));
        }
        return offset;
    }

    private int signed32(long immediate) {
        if (immediate != (int) immediate) {
            throw wrong("immediate %d (%#x) is not 32 bits sign-extended: use loadImmediate"
                    .formatted(immediate, immediate));
        }
        return (int) immediate;
    }

    private int any32(long immediate) {
        if (immediate != (int) immediate && immediate >>> Integer.SIZE != 0) {
            throw wrong("immediate %d (%#x) does not fit into 32 bits".formatted(immediate, immediate));
        }
        return (int) immediate;
    }

    /** Something wrong with the instruction that would be next. */
    private AssemblyException wrong(String what) {
        return new AssemblyException("instruction " + notes.where(slots) + ": " + what);
    }
}
