package io.turnstile.datapath;

import io.turnstile.packet.Packet;
import org.jspecify.annotations.Nullable;

/**
 * The pipeline, as the datapath sees it: asked when a packet meets no datapath flow, and handed packets for the
 * controller.
 *
 * <p>Threads: forwarding threads, several at once; may take the pipeline's lock (this is the slow path) but never waits
 * for I/O or for a provider.
 */
public interface Upcall {

    /**
     * Translates the packet. The result may match more packets than this one; the datapath installs it unless
     * {@link Translation#cacheable()} is false.
     *
     * @param key the packet's datapath key, {@link FlowKey#WORDS} long with the pipeline's part zero; not changed
     */
    Translation miss(Packet packet, long[] key, long nowNs);

    /**
     * Translates a packet that came by earlier as it would be now, without learning from it: rules have changed since
     * its flow was made. Not called from inside a batch.
     *
     * @param key as of {@link #miss}
     * @return null if no flow is to be made of it until a packet comes
     */
    @Nullable
    Translation translateAnew(long[] key, long nowNs);

    /** A packet met {@link DatapathAction.Userspace}; the bytes are only valid during the call. */
    void userspace(Packet packet, long[] key, Object cookie, long nowNs);

    /**
     * Whether nothing has changed since the translation was made that could make it wrong. Asked under the flow cache's
     * lock right before installation, so it must not take the pipeline's lock: a version number read is enough.
     */
    boolean isCurrent(Translation translation);

    /**
     * The flow is in the cache now. Called under the flow cache's lock: as {@link #isCurrent}, takes no pipeline lock.
     */
    void flowInstalled(DatapathFlow flow);

    /**
     * That many more packets met the flow. Called in maintenance, on removal and when somebody asks; takes no pipeline
     * lock.
     */
    void flowUsed(DatapathFlow flow, long packetsDelta, long bytesDelta, long lastUsedNs);

    /** The flow has left the cache (idle, invalidated). Takes no pipeline lock. */
    void flowRemoved(DatapathFlow flow);

    /**
     * What the pipeline says is to be done with a packet.
     *
     * @param mask which bits of the key it looked at, {@link FlowKey#DATAPATH_WORDS} longs
     * @param actions what to do
     * @param cacheable false if the answer holds for this packet only
     * @param owner the pipeline's record of how it came about (rules to credit, dependencies, side effects); opaque
     *     here, reachable from the installed {@link DatapathFlow}
     */
    record Translation(long[] mask, DatapathAction[] actions, boolean cacheable, Object owner) {}
}
