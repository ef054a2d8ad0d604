package io.turnstile.pipeline;

import io.turnstile.pipeline.flow.OfAction;
import org.jspecify.annotations.Nullable;

/**
 * A port as OpenFlow sees it.
 *
 * @param number OpenFlow port number, {@link OfAction.Ports#LOCAL} for the bridge's own
 * @param datapathPort datapath port number behind it; -1 for a patch port
 * @param macAddress 48 bits
 * @param config OFPPC_* bits as set by OFPT_PORT_MOD
 * @param state OFPPS_LINK_DOWN = 1
 * @param patchPeer name of the patch port at the other end, null unless this is a patch port
 * @param speedMbps 0 if not known
 */
public record OfPort(
        int number,
        int datapathPort,
        String name,
        long macAddress,
        int config,
        int state,
        @Nullable String patchPeer,
        long speedMbps) {
    public static final int CONFIG_PORT_DOWN = 1;
    public static final int CONFIG_NO_FLOOD = 1 << 4;
    public static final int CONFIG_NO_FWD = 1 << 5;
    public static final int CONFIG_NO_PACKET_IN = 1 << 6;
    public static final int CONFIG_NO_RECV = 1 << 2;
    public static final int STATE_LINK_DOWN = 1;

    /** Whether packets may leave by it: it is up, and so is its link. */
    public boolean isLive() {
        return (config & CONFIG_PORT_DOWN) == 0 && (state & STATE_LINK_DOWN) == 0;
    }

    OfPort withConfig(int newConfig) {
        return new OfPort(number, datapathPort, name, macAddress, newConfig, state, patchPeer, speedMbps);
    }

    OfPort withState(int newState) {
        return new OfPort(number, datapathPort, name, macAddress, config, newState, patchPeer, speedMbps);
    }
}
