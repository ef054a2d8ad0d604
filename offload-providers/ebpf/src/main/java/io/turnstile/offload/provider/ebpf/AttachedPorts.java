package io.turnstile.offload.provider.ebpf;

import io.turnstile.bpf.BpfException;
import io.turnstile.bpf.BpfLink;
import io.turnstile.bpf.DeviceAbilities;
import io.turnstile.bpf.LoadedProgram;
import io.turnstile.bpf.ProgramType;
import io.turnstile.bpf.XdpMode;
import io.turnstile.bpf.asm.Assembler;
import io.turnstile.bpf.asm.Register;
import io.turnstile.bpf.asm.TcxAction;
import io.turnstile.offload.spi.HeaderBits;
import io.turnstile.offload.spi.HeaderField;
import io.turnstile.offload.spi.Path;
import io.turnstile.offload.spi.PortRef;
import io.turnstile.offload.spi.ProviderContext;
import java.lang.System.Logger.Level;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The ports that packets are carried from: each has the carrying program at its device and the deciding one on the
 * switch's sockets. They come in this order and go in the other, with a pause for frames in between, so that no frame
 * is hidden that nobody carries. A port that is to be carried from by XDP ({@code offload-attach=xdp}) has a third
 * program in its driver, before these two: what that one leaves is theirs.
 *
 * <p>Threads: one at a time, which its owner's lock sees to.
 */
final class AttachedPorts implements AutoCloseable {
    /** How long a port that could not be had is not tried again. */
    private static final long PAUSE_NS = 5_000_000_000L;

    private static final String ATTACH_XDP = "offload-attach=xdp: ";

    private final ProviderContext context;
    private final KernelTables tables;
    private final XdpSending sending;
    /** Does nothing; taking it off a device waits for all programs. */
    private final LoadedProgram bystander;

    private final Map<Long, Attached> byPort = new LinkedHashMap<>();
    private final Map<Long, Failure> failures = new LinkedHashMap<>();

    /** @param xdp null unless it is carried from by XDP, too */
    private record Attached(
            PortRef port, BpfLink link, @Nullable BpfLink xdp) {
        void close() {
            if (xdp != null) {
                xdp.close();
            }
            link.close();
        }

        @Override
        public String toString() {
            return xdp == null ? port.toString() : port + ":xdp";
        }
    }

    private record Failure(String reason, long atNs) {}

    AttachedPorts(ProviderContext context, KernelTables tables) throws BpfException {
        this.context = context;
        this.tables = tables;
        sending = new XdpSending();
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
            if (failure == null || !failure.reason.equals(reason)) {
                context.logger().log(Level.WARNING, "nothing is carried from " + port + ": " + reason);
            }
        }
        return reason;
    }

    private @Nullable String tryToAttach(PortRef port) {
        BpfLink link;
        try {
            link = BpfLink.tcxIngress(tables.carrying(), port.ifindex());
        } catch (BpfException e) {
            return "attaching failed: " + e.summary();
        }
        Attached attached = new Attached(port, link, null);
        if (isForXdp(port)) {
            String obstacle;
            try {
                obstacle = xdpObstacle(port);
                if (obstacle == null) {
                    attached = new Attached(port, link, BpfLink.xdp(tables.xdp(), port.ifindex(), XdpMode.DRIVER));
                }
            } catch (BpfException e) {
                obstacle = e.summary();
            }
            if (obstacle != null) {
                attached.close();
                return ATTACH_XDP + obstacle;
            }
        }
        String reason = context.filterReceived(port.id(), tables.deciding().fd());
        if (reason != null) {
            attached.close();
            return "port cannot be filtered: " + reason;
        }
        byPort.put(port.id(), attached);
        return null;
    }

    private boolean isForXdp(PortRef port) {
        return "xdp".equals(context.portOptions(port.id()).get("attach"));
    }

    private static @Nullable String xdpObstacle(PortRef port) throws BpfException {
        DeviceAbilities device = DeviceAbilities.of(port.ifindex());
        if (!device.runsXdp()) {
            String driver = device.driver().isEmpty() ? "" : " (driver " + device.driver() + ")";
            return port.name() + " has no native XDP" + driver;
        }
        // Of veth devices it means nothing: see DeviceAbilities.
        return device.takesTagsOff() && !device.driver().equals("veth")
                ? port.name() + " takes VLAN tags off before XDP: ethtool -K " + port.name() + " rxvlan off"
                : null;
    }

    /** Which of {@link Flag#XDP} and {@link Flag#XDP_FRAGMENTS} a path gets, whose ingress port is attached. */
    int xdpFlags(Path path, long nowNs) {
        Attached ingress = byPort.get(path.ingress().id());
        if (ingress == null || ingress.xdp == null || !isForAnyFrame(path)) {
            return 0;
        }
        if (isForXdp(path.egress())) {
            // Some drivers take frames to send only while they have a program themselves. Why not, its own paths say.
            String ignored = attach(path.egress(), nowNs);
        }
        return sending.flags(path.egress());
    }

    /** What is written of marks needs a packet, and a tag that stands beside the frame must not be overlooked. */
    private static boolean isForAnyFrame(Path path) {
        HeaderBits tag = path.guardOf(HeaderField.VLAN_TCI);
        return path.rewriteOf(HeaderField.PKT_MARK) == null
                && path.rewriteOf(HeaderField.SKB_PRIORITY) == null
                && tag != null
                && (tag.mask() & PathSteps.TAG_IS_PRESENT) != 0;
    }

    /** Ports that are to be attached otherwise than they are. */
    List<PortRef> attachedOtherwise() {
        return byPort.values().stream()
                .filter(attached -> isForXdp(attached.port) != (attached.xdp != null))
                .map(Attached::port)
                .toList();
    }

    boolean isAtXdp(PortRef port) {
        Attached attached = byPort.get(port.id());
        return attached != null && attached.xdp != null;
    }

    XdpSending sending() {
        return sending;
    }

    /** As the port was when it was attached; null if it is not. */
    @Nullable
    PortRef attached(long portId) {
        Attached attached = byPort.get(portId);
        return attached == null ? null : attached.port;
    }

    /** Nothing is carried from the port any more. Nothing happens if it is not attached. */
    void detach(long portId) {
        Attached attached = byPort.get(portId);
        if (attached != null) {
            context.stopFiltering(portId);
            awaitGracePeriod();
            byPort.remove(portId);
            attached.close();
        }
    }

    /** Something about the port has changed: what could not be done may be possible now. */
    void forgetFailure(long portId) {
        failures.remove(portId);
    }

    /** The port is gone. */
    void forget(long portId) {
        detach(portId);
        failures.remove(portId);
        sending.forget(portId);
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

    /** {@code p1(1)}, {@code p2(2):xdp} … */
    List<String> describe() {
        return byPort.values().stream().map(Attached::toString).toList();
    }

    /** Detaches all. */
    @Override
    public void close() {
        byPort.keySet().forEach(context::stopFiltering);
        awaitGracePeriod();
        byPort.values().forEach(Attached::close);
        byPort.clear();
        bystander.close();
    }
}
