package io.turnstile.offload.provider.ebpf;

import static io.turnstile.bpf.asm.Register.R0;
import static io.turnstile.bpf.asm.Register.R1;
import static io.turnstile.bpf.asm.Register.R10;
import static io.turnstile.bpf.asm.Register.R2;
import static io.turnstile.bpf.asm.Register.R7;
import static io.turnstile.bpf.asm.Register.R9;

import io.turnstile.bpf.asm.AluOp;
import io.turnstile.bpf.asm.Assembler;
import io.turnstile.bpf.asm.AtomicOp;
import io.turnstile.bpf.asm.Condition;
import io.turnstile.bpf.asm.Helper;
import io.turnstile.bpf.asm.Size;

/** What programs that carry do by what is in the slot, R7, at the end. */
record SlotSteps(Assembler code) {
    private static final int COUNTER = -8;

    /** Counts the frame for its path; overwrites R0 to R5 and R9. */
    void count(int countersFd) {
        String counted = code.freshLabel("counted for the path");
        code.load(Size.U32, R1, R7, Slot.COUNTER)
                .store(Size.U32, R10, COUNTER, R1)
                .loadMap(R1, countersFd)
                .mov(R2, R10)
                .alu(AluOp.ADD, R2, COUNTER)
                .call(Helper.MAP_LOOKUP_ELEM)
                .jump(Condition.EQ, R0, 0, counted)
                .mov(R9, R0)
                .load(Size.U32, R1, R7, Slot.PACKETS)
                .atomic(AtomicOp.ADD, Size.U64, R9, CounterValue.PACKETS, R1)
                .load(Size.U64, R1, R7, Slot.WIRE_BYTES)
                .atomic(AtomicOp.ADD, Size.U64, R9, CounterValue.BYTES, R1)
                .call(Helper.KTIME_GET_COARSE_NS)
                .store(Size.U64, R9, CounterValue.LAST_USE_NS, R0)
                .label(counted);
    }

    /** Adds one to a number of the slot. */
    void increment(int statistic) {
        code.mov(R1, 1).atomic(AtomicOp.ADD, Size.U64, R7, statistic, R1);
    }

    /** The state becomes even; a full barrier, so that what was counted is seen by who sees that. */
    void endState() {
        code.mov(R1, 1).atomic(AtomicOp.FETCH_ADD, Size.U64, R7, Slot.STATE, R1);
    }

    /** Ends the program with the frame on its way to {@link Slot#EGRESS}. */
    void redirect() {
        code.load(Size.U32, R9, R7, Slot.EGRESS);
        endState();
        code.mov(R1, R9).mov(R2, 0).call(Helper.REDIRECT).exit();
    }
}
