package io.turnstile.bridge;

import io.turnstile.pipeline.BridgePipeline;
import io.turnstile.port.Port;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A bridge at one moment, for showing. Immutable. */
public record BridgeView(BridgePipeline pipeline, boolean isDummy, List<InterfaceView> interfaces) {

    public String name() {
        return pipeline.name();
    }

    /**
     * An attached interface.
     *
     * @param number OpenFlow port number
     * @param datapathPort -1 for a patch port
     * @param port null for a patch port
     * @param patchPeer null unless a patch port
     */
    public record InterfaceView(
            String name,
            int number,
            int datapathPort,
            @Nullable Port port,
            @Nullable String patchPeer) {}

    static BridgeView of(Bridge bridge) {
        return new BridgeView(
                bridge.pipeline(),
                bridge.config().isDummy(),
                bridge.ports().ifaces().stream()
                        .filter(Iface::isAttached)
                        .map(BridgeView::of)
                        .toList());
    }

    private static InterfaceView of(Iface iface) {
        return new InterfaceView(
                iface.name(),
                iface.ofport(),
                iface.opened() == null ? -1 : iface.opened().number(),
                iface.device(),
                iface.config().isPatch() ? iface.config().options().get("peer") : null);
    }
}
