/**
 * BPF in the kernel, by bpf(2) and nothing else: no compiler, no libbpf, no files.
 *
 * <p>A {@link io.turnstile.bpf.BpfMap} is memory shared with programs, a {@link io.turnstile.bpf.LoadedProgram} what the verifier accepted of
 * what {@link io.turnstile.bpf.asm.Assembler} made, and a {@link io.turnstile.bpf.BpfLink} its being attached to a device. A switch of two ports
 * which counts what it carries:
 *
 * {@snippet :
 * import static io.turnstile.bpf.asm.Register.*;
 *
 * BpfSupport support = BpfSupport.probe();
 * support.obstacle().ifPresent(System.out::println);
 *
 * MapDefinition counters = MapDefinition.of("carried", MapType.PERCPU_ARRAY, 4, 8, 1);
 * try (BpfMap map = BpfMap.create(counters)) {
 *     Program program = new Assembler()
 *             .store(Size.U32, R10, -4, 0)            // the key: index 0
 *             .loadMap(R1, map.fd())
 *             .mov(R2, R10)
 *             .alu(AluOp.ADD, R2, -4)
 *             .call(Helper.MAP_LOOKUP_ELEM)
 *             .jump(Condition.EQ, R0, 0, "send")      // never, but the verifier wants it asked
 *             .mov(R1, 1)
 *             .atomic(AtomicOp.ADD, Size.U64, R0, 0, R1)
 *             .label("send")
 *             .mov(R1, otherDevice)
 *             .mov(R2, 0)
 *             .call(Helper.REDIRECT)                  // returns TcxAction.REDIRECT
 *             .exit()
 *             .assemble();
 *     try (LoadedProgram loaded = LoadedProgram.load(ProgramType.TC, "redirect", "Apache-2.0", program);
 *             BpfLink link = BpfLink.tcxIngress(loaded, device);
 *             Arena arena = Arena.ofConfined()) {
 *         // packets that come in by one device leave by the other
 *         MemorySegment perCpu = arena.allocate(counters.entryBytes(), 8);
 *         map.lookup(arena.allocateFrom(ValueLayout.JAVA_INT, 0), perCpu);
 *         long carried = perCpu.elements(ValueLayout.JAVA_LONG).mapToLong(cpu -> cpu.get(ValueLayout.JAVA_LONG, 0)).sum();
 *     }
 * }
 * }
 *
 * <p>Everything hangs on file descriptors that this process has: they are closed by {@code close()}, and by the kernel when the process ends, however
 * it does. Nothing is pinned, so nothing stays behind.
 *
 * <p>Errors are {@link io.turnstile.bpf.BpfException}s with the error's name, what was asked and, for programs, the verifier's log. Relies on the JDK
 * alone: {@code java.lang.foreign}, for which {@code --enable-native-access} spares a warning, and glibc on x86-64 or aarch64. Layouts and numbers
 * are those of include/uapi/linux/bpf.h; constants carry the names that they have there. Threads: each class says its own.
 */
@NullMarked
package io.turnstile.bpf;

import org.jspecify.annotations.NullMarked;
