package io.turnstile.bpf;

import static io.turnstile.bpf.asm.Register.R0;
import static io.turnstile.bpf.asm.Register.R1;
import static io.turnstile.bpf.asm.Register.R10;
import static io.turnstile.bpf.asm.Register.R2;
import static io.turnstile.bpf.asm.Register.R3;
import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.bpf.asm.AluOp;
import io.turnstile.bpf.asm.Assembler;
import io.turnstile.bpf.asm.AtomicOp;
import io.turnstile.bpf.asm.Condition;
import io.turnstile.bpf.asm.Size;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Each operation computes in the kernel what its name and its documentation say: whatever LLVM calls it. */
@Tag("system")
class InstructionsInKernelTest {
    private static final long[] NUMBERS = {
        0,
        1,
        3,
        -1,
        -7,
        0x80,
        0x8000,
        0x8000_0000L,
        0x7fff_ffffL,
        0x1234_5678_9abc_def0L,
        Long.MIN_VALUE,
        Long.MAX_VALUE
    };

    /** A calculation that leaves its result in R0. */
    private record Question(String what, Calculation calculation, long expected) {}

    private interface Calculation {
        void appendTo(Assembler assembler);
    }

    private final List<Question> questions = new ArrayList<>();

    private void ask(String what, long expected, Calculation calculation) {
        questions.add(new Question(what, calculation, expected));
    }

    /** Has one program do all calculations, and compares. */
    private void answer() throws BpfException {
        MapDefinition definition = MapDefinition.of("results", MapType.ARRAY, 4, Long.BYTES * questions.size(), 1)
                .with(MapFlag.MMAPABLE);
        try (BpfMap map = BpfMap.create(definition);
                Arena arena = Arena.ofConfined()) {
            Assembler assembler = new Assembler();
            for (int i = 0; i < questions.size(); i++) {
                questions.get(i).calculation().appendTo(assembler);
                assembler.loadMapValue(R1, map.fd(), i * Long.BYTES).store(Size.U64, R1, 0, R0);
            }
            assembler.mov(R0, 0).exit();
            try (LoadedProgram program =
                    LoadedProgram.load(ProgramType.TC, "test", "Apache-2.0", assembler.assemble())) {
                program.testRun(new byte[64]);
            }
            MemorySegment results = map.mapped(arena);
            for (int i = 0; i < questions.size(); i++) {
                Question question = questions.get(i);
                assertThat(Native.at(results, i)).as(question.what()).isEqualTo(question.expected());
            }
        }
    }

    @Test
    void arithmeticOnRegistersAndImmediates() throws BpfException {
        for (AluOp op : AluOp.values()) {
            for (long first : NUMBERS) {
                for (long second : NUMBERS) {
                    boolean shift = op == AluOp.LSH || op == AluOp.RSH || op == AluOp.ARSH;
                    long b = shift ? second & 63 : second;
                    int b32 = shift ? (int) second & 31 : (int) second;
                    ask(
                            "%s %x %x".formatted(op, first, b),
                            on64(op, first, b),
                            a -> a.loadImmediate(R0, first).loadImmediate(R1, b).alu(op, R0, R1));
                    ask(
                            "%s 32 %x %x".formatted(op, first, b32),
                            on32(op, (int) first, b32),
                            a -> a.loadImmediate(R0, first)
                                    .loadImmediate(R1, b32)
                                    .alu32(op, R0, R1));
                    boolean division = op.name().endsWith("DIV") || op.name().endsWith("MOD");
                    if (!division || b32 != 0) {
                        ask(
                                "%s %x imm %x".formatted(op, first, b32),
                                on64(op, first, b32),
                                a -> a.loadImmediate(R0, first).alu(op, R0, b32));
                        ask(
                                "%s 32 %x imm %x".formatted(op, first, b32),
                                on32(op, (int) first, b32),
                                a -> a.loadImmediate(R0, first).alu32(op, R0, b32));
                    }
                }
            }
        }
        answer();
    }

    /** RFC 9669 §4.1, division by 0 included. */
    private static long on64(AluOp op, long a, long b) {
        return switch (op) {
            case ADD -> a + b;
            case SUB -> a - b;
            case MUL -> a * b;
            case DIV -> b == 0 ? 0 : Long.divideUnsigned(a, b);
            case SIGNED_DIV -> b == 0 ? 0 : a / b;
            case OR -> a | b;
            case AND -> a & b;
            case LSH -> a << b;
            case RSH -> a >>> b;
            case MOD -> b == 0 ? a : Long.remainderUnsigned(a, b);
            case SIGNED_MOD -> b == 0 ? a : a % b;
            case XOR -> a ^ b;
            case MOV -> b;
            case ARSH -> a >> b;
        };
    }

    /** The upper half of the result is 0. */
    private static long on32(AluOp op, int a, int b) {
        return Integer.toUnsignedLong(
                switch (op) {
                    case ADD -> a + b;
                    case SUB -> a - b;
                    case MUL -> a * b;
                    case DIV -> b == 0 ? 0 : Integer.divideUnsigned(a, b);
                    case SIGNED_DIV -> b == 0 ? 0 : a / b;
                    case OR -> a | b;
                    case AND -> a & b;
                    case LSH -> a << b;
                    case RSH -> a >>> b;
                    case MOD -> b == 0 ? a : Integer.remainderUnsigned(a, b);
                    case SIGNED_MOD -> b == 0 ? a : a % b;
                    case XOR -> a ^ b;
                    case MOV -> b;
                    case ARSH -> a >> b;
                });
    }

    @Test
    void signsAndByteOrders() throws BpfException {
        for (long n : NUMBERS) {
            ask("negate", -n, a -> a.loadImmediate(R0, n).negate(R0));
            ask(
                    "negate32",
                    Integer.toUnsignedLong(-(int) n),
                    a -> a.loadImmediate(R0, n).negate32(R0));
            for (Size size : List.of(Size.U8, Size.U16, Size.U32)) {
                ask("moveSigned", signed(size, n), a -> a.loadImmediate(R1, n).moveSigned(size, R0, R1));
                ask(
                        "loadSigned",
                        signed(size, n),
                        a -> a.loadImmediate(R1, n).store(size, R10, -8, R1).loadSigned(size, R0, R10, -8));
            }
            for (Size size : List.of(Size.U8, Size.U16)) {
                ask(
                        "moveSigned32",
                        signed(size, n) & 0xffff_ffffL,
                        a -> a.loadImmediate(R1, n).moveSigned32(size, R0, R1));
            }
            for (Size size : List.of(Size.U16, Size.U32, Size.U64)) {
                boolean little = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;
                long swapped = swapped(size, n);
                ask("swapBytes", swapped, a -> a.loadImmediate(R0, n).swapBytes(size, R0));
                ask(
                        "toBigEndian",
                        little ? swapped : unsigned(size, n),
                        a -> a.loadImmediate(R0, n).toBigEndian(size, R0));
                ask(
                        "toLittleEndian",
                        little ? unsigned(size, n) : swapped,
                        a -> a.loadImmediate(R0, n).toLittleEndian(size, R0));
            }
            for (Size size : Size.values()) {
                ask(
                        "store and load",
                        unsigned(size, n),
                        a -> a.loadImmediate(R1, n).store(size, R10, -8, R1).load(size, R0, R10, -8));
                ask(
                        "store immediate",
                        unsigned(size, (int) n),
                        a -> a.store(size, R10, -8, (int) n).load(size, R0, R10, -8));
            }
        }
        answer();
    }

    private static long signed(Size size, long n) {
        return switch (size) {
            case U8 -> (byte) n;
            case U16 -> (short) n;
            case U32 -> (int) n;
            case U64 -> n;
        };
    }

    private static long unsigned(Size size, long n) {
        return size == Size.U64 ? n : n & (1L << size.bytes() * 8) - 1;
    }

    private static long swapped(Size size, long n) {
        return Long.reverseBytes(n) >>> (8 - size.bytes()) * 8;
    }

    @Test
    void conditions() throws BpfException {
        for (Condition condition : Condition.values()) {
            for (long first : NUMBERS) {
                for (long second : NUMBERS) {
                    askCondition(condition, first, second);
                }
            }
        }
        answer();
    }

    private void askCondition(Condition condition, long first, long second) {
        String what = "%x %s %x".formatted(first, condition, second);
        int low = (int) second;
        ask(what, bit(holds(condition, first, second)), a -> {
            String out = a.freshLabel("out");
            a.loadImmediate(R2, first)
                    .loadImmediate(R3, second)
                    .mov(R0, 1)
                    .jump(condition, R2, R3, out)
                    .mov(R0, 0)
                    .label(out);
        });
        ask(what + " imm", bit(holds(condition, first, low)), a -> {
            String out = a.freshLabel("out");
            a.loadImmediate(R2, first)
                    .mov(R0, 1)
                    .jump(condition, R2, low, out)
                    .mov(R0, 0)
                    .label(out);
        });
        boolean holds32 = isUnsigned(condition)
                ? holds(condition, Integer.toUnsignedLong((int) first), Integer.toUnsignedLong(low))
                : holds(condition, (int) first, low);
        ask(what + " 32", bit(holds32), a -> {
            String out = a.freshLabel("out");
            a.loadImmediate(R2, first)
                    .loadImmediate(R3, second)
                    .mov(R0, 1)
                    .jump32(condition, R2, R3, out)
                    .mov(R0, 0)
                    .label(out);
        });
        ask(what + " 32 imm", bit(holds32), a -> {
            String out = a.freshLabel("out");
            a.loadImmediate(R2, first)
                    .mov(R0, 1)
                    .jump32(condition, R2, low, out)
                    .mov(R0, 0)
                    .label(out);
        });
    }

    private static long bit(boolean holds) {
        return holds ? 1 : 0;
    }

    private static boolean isUnsigned(Condition condition) {
        return !condition.name().startsWith("SIGNED");
    }

    private static boolean holds(Condition condition, long a, long b) {
        return switch (condition) {
            case EQ -> a == b;
            case NE -> a != b;
            case SET -> (a & b) != 0;
            case GT -> Long.compareUnsigned(a, b) > 0;
            case GE -> Long.compareUnsigned(a, b) >= 0;
            case LT -> Long.compareUnsigned(a, b) < 0;
            case LE -> Long.compareUnsigned(a, b) <= 0;
            case SIGNED_GT -> a > b;
            case SIGNED_GE -> a >= b;
            case SIGNED_LT -> a < b;
            case SIGNED_LE -> a <= b;
        };
    }

    @Test
    void atomicOperations() throws BpfException {
        for (AtomicOp op : AtomicOp.values()) {
            for (long before : NUMBERS) {
                askAtomic(op, before, 0x1234_5678_9abc_def3L, before);
                askAtomic(op, before, -5, before + 1);
            }
        }
        answer();
    }

    /** What memory, the source register and R0 are afterwards. */
    private void askAtomic(AtomicOp op, long before, long operand, long compared) {
        Calculation calculation = a -> a.loadImmediate(R1, before)
                .store(Size.U64, R10, -8, R1)
                .loadImmediate(R0, compared)
                .loadImmediate(R2, operand)
                .atomic(op, Size.U64, R10, -8, R2);
        String what = "%s %x %x %x".formatted(op, before, operand, compared);
        ask(what + " memory", memoryAfter(op, before, operand, compared), a -> {
            calculation.appendTo(a);
            a.load(Size.U64, R0, R10, -8);
        });
        boolean fetches = op.name().startsWith("FETCH") || op == AtomicOp.EXCHANGE;
        ask(what + " source", fetches ? before : operand, a -> {
            calculation.appendTo(a);
            a.mov(R0, R2);
        });
        ask(what + " R0", op == AtomicOp.COMPARE_EXCHANGE ? before : compared, calculation);
        ask(what + " 32", memoryAfter(op, before, operand, before) & 0xffff_ffffL, a -> {
            a.loadImmediate(R1, before).store(Size.U64, R10, -8, R1).loadImmediate(R2, operand);
            a.mov(R0, R1).atomic(op, Size.U32, R10, -8, R2).load(Size.U32, R0, R10, -8);
        });
    }

    private static long memoryAfter(AtomicOp op, long before, long operand, long compared) {
        return switch (op) {
            case ADD, FETCH_ADD -> before + operand;
            case OR, FETCH_OR -> before | operand;
            case AND, FETCH_AND -> before & operand;
            case XOR, FETCH_XOR -> before ^ operand;
            case EXCHANGE -> operand;
            case COMPARE_EXCHANGE -> before == compared ? operand : before;
        };
    }

    @Test
    void farJumps() throws BpfException {
        ask(
                "on and back",
                3,
                a -> a.mov(R0, 1)
                        .goToFar("there")
                        .label("back")
                        .alu(AluOp.ADD, R0, 1)
                        .goTo("done")
                        .label("there")
                        .alu(AluOp.ADD, R0, 1)
                        .goToFar("back")
                        .label("done"));
        answer();
    }
}
