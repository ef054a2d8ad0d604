package io.turnstile.bpf.asm;

import java.util.List;
import java.util.Random;

/** Programs of random instructions with random operands, well formed but of no meaning. */
final class RandomPrograms {
    private static final int LENGTH = 300;
    private static final List<Size> ATOMIC = List.of(Size.U32, Size.U64);
    private static final List<Size> SWAPPED = List.of(Size.U16, Size.U32, Size.U64);
    private static final List<Size> EXTENDED = List.of(Size.U8, Size.U16, Size.U32);
    private static final List<Size> EXTENDED_32 = List.of(Size.U8, Size.U16);

    private final Random random;
    private final Assembler assembler = new Assembler();

    private RandomPrograms(Random random) {
        this.random = random;
    }

    static Program next(Random random) {
        return new RandomPrograms(random).program();
    }

    /** Labels at each place; conditional jumps go anywhere, others on to what would follow, so that all is reached. */
    private Program program() {
        assembler.callFunction("function");
        for (int i = 0; i < LENGTH; i++) {
            assembler.label("at" + i);
            append(i);
        }
        return assembler.label("at" + LENGTH).exit().label("function").exit().assemble();
    }

    private void append(int place) {
        switch (random.nextInt(22)) {
            case 0 -> assembler.alu(any(AluOp.values()), written(), register());
            case 1 -> assembler.alu32(any(AluOp.values()), written(), register());
            case 2 -> withImmediate(false);
            case 3 -> withImmediate(true);
            case 4 -> assembler.moveSigned(any(EXTENDED), written(), register());
            case 5 -> assembler.moveSigned32(any(EXTENDED_32), written(), register());
            case 6 -> assembler.negate(written());
            case 7 -> assembler.negate32(written());
            case 8 -> assembler.toBigEndian(any(SWAPPED), written());
            case 9 -> assembler.toLittleEndian(any(SWAPPED), written());
            case 10 -> assembler.swapBytes(any(SWAPPED), written());
            case 11 -> assembler.load(any(Size.values()), written(), register(), offset());
            case 12 -> assembler.loadSigned(any(EXTENDED), written(), register(), offset());
            case 13 -> assembler.store(any(Size.values()), register(), offset(), register());
            case 14 -> assembler.store(any(Size.values()), register(), offset(), random.nextInt());
            case 15 -> assembler.atomic(any(AtomicOp.values()), any(ATOMIC), register(), offset(), register());
            case 16 -> wide();
            case 17 -> assembler.jump(any(Condition.values()), register(), register(), anywhere());
            case 18 -> assembler.jump(any(Condition.values()), register(), random.nextInt(), anywhere());
            case 19 -> assembler.jump32(any(Condition.values()), register(), register(), anywhere());
            case 20 -> assembler.jump32(any(Condition.values()), register(), random.nextInt(), anywhere());
            default -> jumpOrCall(place);
        }
    }

    private void withImmediate(boolean narrow) {
        AluOp op = any(AluOp.values());
        int immediate = op.isShift() ? random.nextInt(Integer.SIZE) : random.nextInt() | 1;
        if (narrow) {
            assembler.alu32(op, written(), immediate);
        } else {
            assembler.alu(op, written(), immediate);
        }
    }

    private void wide() {
        switch (random.nextInt(3)) {
            case 0 -> assembler.loadImmediate(written(), random.nextLong());
            case 1 -> assembler.loadMap(written(), random.nextInt(1 << 16));
            default -> assembler.loadMapValue(written(), random.nextInt(1 << 16), random.nextInt());
        }
    }

    private void jumpOrCall(int place) {
        switch (random.nextInt(4)) {
            case 0 -> assembler.goTo("at" + (place + 1));
            case 1 -> assembler.goToFar("at" + (place + 1));
            case 2 -> assembler.call(any(Helper.values()));
            default -> assembler.callFunction("function");
        }
    }

    private String anywhere() {
        return "at" + random.nextInt(LENGTH + 1);
    }

    private Register register() {
        return any(Register.values());
    }

    private Register written() {
        return Register.values()[random.nextInt(Register.R10.number())];
    }

    private int offset() {
        return random.nextInt(1 << 16) + Short.MIN_VALUE;
    }

    private <T> T any(T[] values) {
        return values[random.nextInt(values.length)];
    }

    private <T> T any(List<T> values) {
        return values.get(random.nextInt(values.size()));
    }
}
