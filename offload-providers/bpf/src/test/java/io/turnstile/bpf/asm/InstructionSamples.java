package io.turnstile.bpf.asm;

import static io.turnstile.bpf.asm.Register.R0;
import static io.turnstile.bpf.asm.Register.R1;
import static io.turnstile.bpf.asm.Register.R10;
import static io.turnstile.bpf.asm.Register.R2;
import static io.turnstile.bpf.asm.Register.R3;
import static io.turnstile.bpf.asm.Register.R7;
import static io.turnstile.bpf.asm.Register.R8;
import static io.turnstile.bpf.asm.Register.R9;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Each instruction that the assembler has, in each form, with operands that show which field is which; each by a name.
 */
final class InstructionSamples {
    /** Where {@link #program} has the sample: behind three instructions. */
    private static final int PLACE = 3;

    private final Map<String, Instruction> byName = new LinkedHashMap<>();

    private InstructionSamples() {}

    static Map<String, Instruction> all() {
        InstructionSamples samples = new InstructionSamples();
        samples.arithmetic();
        samples.memory();
        samples.jumpsAndCalls();
        return samples.byName;
    }

    private void arithmetic() {
        for (AluOp op : AluOp.values()) {
            long immediate = op.isShift() ? 31 : -2;
            add("alu " + op + " register", a -> a.alu(op, R1, R9));
            add("alu " + op + " immediate", a -> a.alu(op, R9, immediate));
            add("alu32 " + op + " register", a -> a.alu32(op, R8, R10));
            add("alu32 " + op + " immediate", a -> a.alu32(op, R8, immediate));
        }
        add("alu AND largest", a -> a.alu(AluOp.AND, R1, Integer.MAX_VALUE));
        add("alu AND smallest", a -> a.alu(AluOp.AND, R1, Integer.MIN_VALUE));
        add("alu32 AND unsigned", a -> a.alu32(AluOp.AND, R1, 0xffff_fffeL));
        add("mov register", a -> a.mov(R7, R10));
        add("mov immediate", a -> a.mov(R7, 0x12345678));
        add("negate", a -> a.negate(R3));
        add("negate32", a -> a.negate32(R3));
        for (Size size : new Size[] {Size.U8, Size.U16, Size.U32}) {
            add("moveSigned " + size, a -> a.moveSigned(size, R2, R8));
        }
        for (Size size : new Size[] {Size.U8, Size.U16}) {
            add("moveSigned32 " + size, a -> a.moveSigned32(size, R2, R8));
        }
        for (Size size : new Size[] {Size.U16, Size.U32, Size.U64}) {
            add("toBigEndian " + size, a -> a.toBigEndian(size, R7));
            add("toLittleEndian " + size, a -> a.toLittleEndian(size, R7));
            add("swapBytes " + size, a -> a.swapBytes(size, R7));
        }
    }

    private void memory() {
        for (Size size : Size.values()) {
            add("load " + size, a -> a.load(size, R1, R8, 0x1234));
            add("load " + size + " below", a -> a.load(size, R1, R10, -24));
            add("store " + size + " register", a -> a.store(size, R10, -24, R8));
            add("store " + size + " immediate", a -> a.store(size, R10, 24, -2));
        }
        for (Size size : new Size[] {Size.U8, Size.U16, Size.U32}) {
            add("loadSigned " + size, a -> a.loadSigned(size, R1, R8, -24));
        }
        add("load farthest", a -> a.load(Size.U8, R1, R8, Short.MAX_VALUE));
        add("load farthest below", a -> a.load(Size.U8, R1, R8, Short.MIN_VALUE));
        add("load at 0", a -> a.load(Size.U8, R1, R8, 0));
        for (AtomicOp op : AtomicOp.values()) {
            add("atomic " + op + " U32", a -> a.atomic(op, Size.U32, R1, 8, R9));
            add("atomic " + op + " U64", a -> a.atomic(op, Size.U64, R10, -8, R9));
        }
        add("loadImmediate", a -> a.loadImmediate(R9, 0x1234_5678_9abc_def0L));
        add("loadImmediate negative", a -> a.loadImmediate(R9, -2));
        add("loadMap", a -> a.loadMap(R1, 0x1234));
        add("loadMapValue", a -> a.loadMapValue(R1, 0x1234, 0x5678));
    }

    private void jumpsAndCalls() {
        for (Condition condition : Condition.values()) {
            add("jump " + condition + " register", a -> a.jump(condition, R1, R9, "later"));
            add("jump " + condition + " immediate", a -> a.jump(condition, R9, -2, "back"));
            add("jump32 " + condition + " register", a -> a.jump32(condition, R1, R9, "back"));
            add("jump32 " + condition + " immediate", a -> a.jump32(condition, R9, -2, "later"));
        }
        add("jump32 EQ unsigned", a -> a.jump32(Condition.EQ, R9, 0xffff_fffeL, "later"));
        add("jump EQ next", a -> a.jump(Condition.EQ, R9, 0, "next"));
        add("goTo on", a -> a.goTo("later"));
        add("goTo back", a -> a.goTo("back"));
        add("goToFar on", a -> a.goToFar("later"));
        add("goToFar back", a -> a.goToFar("back"));
        add("call", a -> a.call(Helper.CHECK_MTU));
        add("callFunction", a -> a.callFunction("function"));
        add("exit", Assembler::exit);
    }

    private void add(String name, Consumer<Assembler> sample) {
        byName.put(
                name,
                program(sample, name.equals("callFunction")).instructions().get(PLACE));
    }

    /** A program around the sample in which whatever it does leads somewhere, and everything is reached. */
    private static Program program(Consumer<Assembler> sample, boolean hasFunction) {
        Assembler assembler = new Assembler()
                .jump(Condition.EQ, R0, 0, "next")
                .label("back")
                .mov(R0, 0)
                .mov(R0, 0);
        sample.accept(assembler);
        assembler.label("next").mov(R0, 0).label("later").exit();
        if (hasFunction) {
            assembler.label("function").mov(R0, 0).exit();
        }
        return assembler.assemble();
    }
}
