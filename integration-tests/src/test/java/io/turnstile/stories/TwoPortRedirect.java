package io.turnstile.stories;

import static io.turnstile.bpf.asm.Register.R0;
import static io.turnstile.bpf.asm.Register.R1;
import static io.turnstile.bpf.asm.Register.R10;
import static io.turnstile.bpf.asm.Register.R2;

import io.turnstile.bpf.BpfException;
import io.turnstile.bpf.BpfLink;
import io.turnstile.bpf.BpfMap;
import io.turnstile.bpf.LoadedProgram;
import io.turnstile.bpf.MapDefinition;
import io.turnstile.bpf.MapType;
import io.turnstile.bpf.ProgramType;
import io.turnstile.bpf.asm.AluOp;
import io.turnstile.bpf.asm.Assembler;
import io.turnstile.bpf.asm.AtomicOp;
import io.turnstile.bpf.asm.Condition;
import io.turnstile.bpf.asm.Helper;
import io.turnstile.bpf.asm.Program;
import io.turnstile.bpf.asm.Size;
import io.turnstile.bpf.asm.SkBuff;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Deque;

/** Sends what one device receives out by another and back, in the kernel, and counts the IPv4 packets of each way. */
final class TwoPortRedirect implements AutoCloseable {
    /** ETH_P_IP as it stands in a context: in the wire's byte order. */
    private static final int IPV4 = Short.toUnsignedInt(Short.reverseBytes((short) 0x0800));

    private static final MapDefinition COUNTS = MapDefinition.of("carried", MapType.PERCPU_ARRAY, 4, 8, 2);

    private final Deque<AutoCloseable> parts = new ArrayDeque<>();
    private final BpfMap counts;
    private final LoadedProgram there;
    private final BpfLink linkThere;
    private final BpfLink linkBack;

    TwoPortRedirect(int device, int otherDevice) throws BpfException {
        counts = BpfMap.create(COUNTS);
        parts.push(counts);
        there = load("there", 0, otherDevice);
        parts.push(there);
        linkThere = BpfLink.tcxIngress(there, device);
        parts.push(linkThere);
        LoadedProgram back = load("back", 1, device);
        parts.push(back);
        linkBack = BpfLink.tcxIngress(back, otherDevice);
        parts.push(linkBack);
    }

    private LoadedProgram load(String name, int way, int device) throws BpfException {
        Program program = new Assembler()
                .load(Size.U32, R1, R1, SkBuff.PROTOCOL.offset())
                .jump(Condition.NE, R1, IPV4, "send")
                .comment("the key: which way")
                .store(Size.U32, R10, -4, way)
                .loadMap(R1, counts.fd())
                .mov(R2, R10)
                .alu(AluOp.ADD, R2, -4)
                .call(Helper.MAP_LOOKUP_ELEM)
                .comment("never so, but the verifier wants it asked")
                .jump(Condition.EQ, R0, 0, "send")
                .mov(R1, 1)
                .atomic(AtomicOp.ADD, Size.U64, R0, 0, R1)
                .label("send")
                .mov(R1, device)
                .mov(R2, 0)
                .call(Helper.REDIRECT)
                .exit()
                .assemble();
        return LoadedProgram.load(ProgramType.TC, name, "Apache-2.0", program);
    }

    /** IPv4 packets carried so far, there (0) or back (1). */
    long carried(int way) throws BpfException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment perCpu = arena.allocate(COUNTS.entryBytes(), Long.BYTES);
            counts.lookup(arena.allocateFrom(ValueLayout.JAVA_INT, way), perCpu);
            return perCpu.elements(ValueLayout.JAVA_LONG)
                    .mapToLong(cpu -> cpu.get(ValueLayout.JAVA_LONG, 0))
                    .sum();
        }
    }

    BpfLink linkThere() {
        return linkThere;
    }

    BpfLink linkBack() {
        return linkBack;
    }

    int programId() throws BpfException {
        return there.info().id();
    }

    int mapId() throws BpfException {
        return counts.info().id();
    }

    @Override
    public void close() throws Exception {
        while (!parts.isEmpty()) {
            parts.pop().close();
        }
    }

    /**
     * Redirects between the two devices with the given indexes, prints program's and map's numbers, and waits to be
     * killed.
     */
    public static void main(String[] arguments) throws Exception {
        try (TwoPortRedirect redirect =
                new TwoPortRedirect(Integer.parseInt(arguments[0]), Integer.parseInt(arguments[1]))) {
            System.out.println(redirect.programId() + " " + redirect.mapId());
            Thread.currentThread().join();
        }
    }
}
