package io.turnstile.bpf.asm;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.List;

/**
 * Whether control stays inside the program and reaches all of it. The kernel's verifier asks the same (check_cfg and
 * check_subprogs in kernel/bpf), but answers by numbers.
 */
final class ControlFlow {
    private final Program program;
    private final List<Instruction> bySlot = new ArrayList<>();
    private final BitSet functions = new BitSet();
    private final BitSet reached = new BitSet();
    private final Deque<Integer> toVisit = new ArrayDeque<>();

    private ControlFlow(Program program) {
        this.program = program;
        for (Instruction instruction : program.instructions()) {
            if (instruction.isLocalCall()) {
                functions.set(bySlot.size() + 1 + instruction.distance());
            }
            for (int i = 0; i < instruction.slots(); i++) {
                bySlot.add(instruction);
            }
        }
    }

    static void check(Program program) {
        if (program.instructions().isEmpty()) {
            throw new AssemblyException("the program has no instructions");
        }
        new ControlFlow(program).check();
    }

    private void check() {
        visit(0);
        while (!toVisit.isEmpty()) {
            int slot = toVisit.pop();
            Instruction instruction = bySlot.get(slot);
            if (instruction.hasTarget()) {
                visit(target(slot, instruction));
            }
            if (instruction.continues()) {
                visit(next(slot, instruction));
            }
        }
        int slot = 0;
        for (Instruction instruction : program.instructions()) {
            if (!reached.get(slot)) {
                throw new AssemblyException("instruction " + program.where(slot) + ": nothing leads here");
            }
            slot += instruction.slots();
        }
    }

    private int target(int slot, Instruction instruction) {
        int target = slot + 1 + instruction.distance();
        if (target >= bySlot.size()) {
            throw new AssemblyException("instruction " + program.where(slot) + ": leads past the end of the program");
        }
        return target;
    }

    private int next(int slot, Instruction instruction) {
        int next = slot + instruction.slots();
        if (next == bySlot.size()) {
            throw new AssemblyException("instruction " + program.where(slot)
                    + ": control runs past the end of the program; end it by exit or a jump");
        }
        if (functions.get(next)) {
            throw new AssemblyException("instruction " + program.where(slot) + ": control runs into the function at "
                    + program.where(next) + "; end what is before it by exit or a jump");
        }
        return next;
    }

    private void visit(int slot) {
        if (!reached.get(slot)) {
            reached.set(slot);
            toVisit.push(slot);
        }
    }
}
