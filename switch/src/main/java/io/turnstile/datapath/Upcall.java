package io.turnstile.datapath;

import io.turnstile.packet.Packet;

/**
 * The pipeline, as the datapath sees it: asked when a packet meets no datapath flow, and handed packets for the controller.
 *
 * <p>Threads: forwarding threads, several at once; may take the pipeline's lock (this is the slow path) but never waits for
 * I/O or for a provider.
 */
public interface Upcall {

    /**
     * Translates the packet. The result may match more packets than this one; the datapath installs it unless
     * {@link Translation#cacheable()} is false.
     *
     * @param key the packet's datapath key, {@link FlowKey#WORDS} long with the pipeline's part zero; not changed
     */
    Translation miss(Packet packet, long[] key, long nowNs);

    /** A packet met {@link DatapathAction.Userspace}; the bytes are only valid during the call. */
    void userspace(Packet packet, long[] key, Object cookie, long nowNs);

    /**
     * What the pipeline made of a packet.
     *
     * @param mask      which bits of the key it looked at, {@link FlowKey#DATAPATH_WORDS} longs
     * @param actions   what to do
     * @param cacheable false if the answer holds for this packet only
     * @param owner     the pipeline's own record (rules to credit, dependencies, side effects); opaque here, reachable from
     *                  the installed {@link DatapathFlow}
     */
    record Translation(long[] mask, DatapathAction[] actions, boolean cacheable, Object owner) {
    }
}
