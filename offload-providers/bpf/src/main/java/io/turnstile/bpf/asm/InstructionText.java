package io.turnstile.bpf.asm;

/**
 * The text of an instruction, which is the one of {@code llvm-objdump -d --mcpu=v4} (LLVM 19), with two differences: a
 * map is called {@code map_fd(5)} or {@code map_value(5)+0x8}, and a call of a function of the program {@code call
 * pc+0x3}.
 */
final class InstructionText {
    private InstructionText() {}

    static String of(Instruction instruction) {
        return switch (instruction.operationClass()) {
            case Opcodes.LD -> wide(instruction);
            case Opcodes.LDX -> load(instruction);
            case Opcodes.ST -> memory(instruction) + " = " + hex(instruction.immediate());
            case Opcodes.STX -> storeOrAtomic(instruction);
            case Opcodes.ALU -> arithmetic(instruction, 'w');
            case Opcodes.ALU64 -> arithmetic(instruction, 'r');
            case Opcodes.JMP -> jump(instruction, 'r');
            default -> jump(instruction, 'w');
        };
    }

    private static String wide(Instruction instruction) {
        String target = "r" + instruction.destination() + " = ";
        int fd = (int) instruction.immediate();
        return switch (instruction.source()) {
            case Opcodes.MAP_FD -> target + "map_fd(" + fd + ") ll";
            case Opcodes.MAP_VALUE ->
                target + "map_value(" + fd + ")+" + hex(instruction.immediate() >>> Integer.SIZE) + " ll";
            default -> target + hex(instruction.immediate()) + " ll";
        };
    }

    private static String load(Instruction instruction) {
        boolean signed = (instruction.opcode() & Opcodes.MODE_MASK) == Opcodes.MEM_SIGNED;
        boolean narrow = Size.ofOpcode(instruction.opcode()) != Size.U64 && !signed;
        return (narrow ? "w" : "r") + instruction.destination() + " = "
                + access(instruction, signed ? 's' : 'u', instruction.source());
    }

    private static String storeOrAtomic(Instruction instruction) {
        boolean narrow = Size.ofOpcode(instruction.opcode()) != Size.U64;
        String value = (narrow ? "w" : "r") + instruction.source();
        if ((instruction.opcode() & Opcodes.MODE_MASK) != Opcodes.ATOMIC) {
            return memory(instruction) + " = " + value;
        }
        String place = place(instruction, instruction.destination());
        String fetched = value + " = atomic_fetch_%s((" + type(instruction, 'u') + " *)(" + place + "), " + value + ")";
        return switch (AtomicOp.ofImmediate(instruction.immediate())) {
            case ADD -> "lock " + memory(instruction) + " += " + value;
            case OR -> "lock " + memory(instruction) + " |= " + value;
            case AND -> "lock " + memory(instruction) + " &= " + value;
            case XOR -> "lock " + memory(instruction) + " ^= " + value;
            case FETCH_ADD -> fetched.formatted("add");
            case FETCH_OR -> fetched.formatted("or");
            case FETCH_AND -> fetched.formatted("and");
            case FETCH_XOR -> fetched.formatted("xor");
            case EXCHANGE -> value + " = xchg" + (narrow ? "32_32" : "_64") + "(" + place + ", " + value + ")";
            case COMPARE_EXCHANGE ->
                narrow
                        ? "w0 = cmpxchg32_32(" + place + ", w0, " + value + ")"
                        : "r0 = cmpxchg_64(" + place + ", r0, " + value + ")";
        };
    }

    private static String memory(Instruction instruction) {
        return access(instruction, 'u', instruction.destination());
    }

    private static String access(Instruction instruction, char sign, int base) {
        return "*(" + type(instruction, sign) + " *)(" + place(instruction, base) + ")";
    }

    private static String type(Instruction instruction, char sign) {
        return sign + Integer.toString(Size.ofOpcode(instruction.opcode()).bits());
    }

    private static String place(Instruction instruction, int base) {
        int offset = instruction.offset();
        return "r" + base + (offset < 0 ? " - " : " + ") + hex(Math.abs(offset));
    }

    private static String arithmetic(Instruction instruction, char width) {
        String first = width + Integer.toString(instruction.destination());
        int operation = instruction.opcode() & Opcodes.OPERATION_MASK;
        boolean fromRegister = (instruction.opcode() & Opcodes.FROM_REGISTER) != 0;
        if (operation == Opcodes.NEGATE) {
            return first + " = -" + first;
        }
        if (operation == Opcodes.END) {
            String swap = width == 'r' ? "bswap" : fromRegister ? "be" : "le";
            String register = "r" + instruction.destination();
            return register + " = " + swap + instruction.immediate() + " " + register;
        }
        boolean signExtends = operation == AluOp.MOV.code() && instruction.offset() != 0;
        String second = fromRegister ? width + Integer.toString(instruction.source()) : hex(instruction.immediate());
        return signExtends
                ? first + " = (s" + instruction.offset() + ")" + second
                : first + " " + aluOp(operation, instruction.offset()).text() + " " + second;
    }

    private static AluOp aluOp(int code, int offset) {
        for (AluOp op : AluOp.values()) {
            if (op.code() == code && op.offset() == offset) {
                return op;
            }
        }
        throw new IllegalArgumentException(
                "no arithmetic operation has the code %#x and offset %d".formatted(code, offset));
    }

    private static String jump(Instruction instruction, char width) {
        if (instruction.isExit()) {
            return "exit";
        }
        if (instruction.isLocalCall()) {
            return "call pc" + signedHex(instruction.distance());
        }
        if (instruction.isCall()) {
            return "call " + hex(instruction.immediate());
        }
        String target = signedHex(instruction.distance());
        if (instruction.isGoTo()) {
            return (width == 'w' ? "gotol " : "goto ") + target;
        }
        boolean fromRegister = (instruction.opcode() & Opcodes.FROM_REGISTER) != 0;
        String second = fromRegister ? width + Integer.toString(instruction.source()) : hex(instruction.immediate());
        return "if " + width + instruction.destination() + " "
                + condition(instruction.opcode() & Opcodes.OPERATION_MASK).text() + " " + second + " goto " + target;
    }

    private static Condition condition(int code) {
        for (Condition condition : Condition.values()) {
            if (condition.code() == code) {
                return condition;
            }
        }
        throw new IllegalArgumentException("no condition has the code %#x".formatted(code));
    }

    private static String signedHex(int value) {
        return value < 0 ? hex(value) : "+" + hex(value);
    }

    private static String hex(long value) {
        return value < 0 ? "-0x" + Long.toHexString(-value) : "0x" + Long.toHexString(value);
    }
}
