package io.turnstile.offload.provider.ebpf;

import io.turnstile.bpf.BpfException;
import io.turnstile.bpf.BpfLink;
import io.turnstile.bpf.LoadedProgram;
import io.turnstile.bpf.ProgramType;
import io.turnstile.bpf.asm.Assembler;
import io.turnstile.bpf.asm.Register;
import io.turnstile.bpf.asm.TcxAction;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.ProviderContext;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The ports that packets are carried from: each has the carrying program at its device and the deciding one on the
 * switch's sockets. They come in this order and go in the other, with a pause for frames in between, so that no frame
 * is hidden that nobody carries.
 *
 * <p>Threads: one at a time, which its owner's lock sees to.
 */
final class AttachedPorts implements AutoCloseable {
    /** How long a port that could not be had is not tried again. */
    private static final long PAUSE_NS = 5_000_000_000L;

    private final ProviderContext context;
    private final LoadedProgram deciding;
    private final LoadedProgram carrying;
    /** Does nothing; taking it off a device waits for all programs. */
    private final LoadedProgram bystander;

    private final Map<Long, Attached> byPort = new LinkedHashMap<>();
    private final Map<Long, Failure> failures = new LinkedHashMap<>();

    private record Attached(PortRef port, BpfLink link) {}

    private record Failure(String reason, long atNs) {}

    AttachedPorts(ProviderContext context, LoadedProgram deciding, LoadedProgram carrying) throws BpfException {
        this.context = context;
        this.deciding = deciding;
        this.carrying = carrying;
        bystander = LoadedProgram.load(
                ProgramType.TC,
                "ts_bystander",
                "Apache-2.0",
                new Assembler().mov(Register.R0, TcxAction.NEXT.code()).exit().assemble());
    }

    /** Makes the port one that can be carried from; why not, for people, or null. */
    @Nullable
    String attach(PortRef port, long nowNs) {
        if (byPort.containsKey(port.id())) {
            return null;
        }
        Failure failure = failures.get(port.id());
        if (failure != null && nowNs - failure.atNs < PAUSE_NS) {
            return failure.reason;
        }
        String reason = tryToAttach(port);
        if (reason == null) {
            failures.remove(port.id());
        } else {
            failures.put(port.id(), new Failure(reason, nowNs));
        }
        return reason;
    }

    private @Nullable String tryToAttach(PortRef port) {
        BpfLink link;
        try {
            link = BpfLink.tcxIngress(carrying, port.ifindex());
        } catch (BpfException e) {
            return "attaching failed: " + e.summary();
        }
        String reason = context.filterReceived(port.id(), deciding.fd());
        if (reason != null) {
            link.close();
            return "port cannot be filtered: " + reason;
        }
        byPort.put(port.id(), new Attached(port, link));
        return null;
    }

    /** As the port was when it was attached; null if it is not. */
    @Nullable
    PortRef attached(long portId) {
        Attached attached = byPort.get(portId);
        return attached == null ? null : attached.port;
    }

    /** Nothing is carried from the port any more. Nothing happens if it is not attached. */
    void detach(long portId) {
        failures.remove(portId);
        Attached attached = byPort.get(portId);
        if (attached != null) {
            context.stopFiltering(portId);
            awaitGracePeriod();
            byPort.remove(portId);
            attached.link.close();
        }
    }

    /** Something about the port has changed: what could not be done may be possible now. */
    void forgetFailure(long portId) {
        failures.remove(portId);
    }

    /**
     * Waits until each of the programs that runs now has ended, milliseconds: the kernel does so when a program is
     * taken off a device. Where no device is left, nothing runs.
     */
    void awaitGracePeriod() {
        for (Attached attached : byPort.values()) {
            try {
                BpfLink.tcxIngress(bystander, attached.port.ifindex()).close();
                return;
            } catch (BpfException e) {
                // this device is gone; another one does as well
            }
        }
    }

    List<PortRef> ports() {
        return byPort.values().stream().map(Attached::port).toList();
    }

    /** Detaches all. */
    @Override
    public void close() {
        byPort.keySet().forEach(context::stopFiltering);
        awaitGracePeriod();
        byPort.values().forEach(attached -> attached.link.close());
        byPort.clear();
        bystander.close();
    }
}
