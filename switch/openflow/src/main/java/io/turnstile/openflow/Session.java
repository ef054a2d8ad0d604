package io.turnstile.openflow;

import io.turnstile.openflow.wire.WireVersion;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What one connection has said of itself so far. Owned by the event loop thread. */
final class Session {
    /** How packet-ins are sent: OFPT_PACKET_IN, NXT_PACKET_IN or NXT_PACKET_IN2. */
    enum PacketInFormat {
        STANDARD,
        NXM,
        NXM2
    }

    /** Default of miss_send_len (OFP_DEFAULT_MISS_SEND_LEN). */
    static final int DEFAULT_MISS_SEND_LENGTH = 128;

    final boolean service;
    /** Null until one is agreed on. */
    @Nullable
    WireVersion version;

    Role role = Role.EQUAL;
    boolean flowModTableId;
    /** NXT_SET_FLOW_FORMAT asked for NXM: flow-removed is sent in that form. */
    boolean nxmFlowFormat;

    PacketInFormat packetInFormat = PacketInFormat.STANDARD;
    AsyncMasks async;
    int missSendLengthBytes;
    boolean invalidTtlToController;
    int controllerId;
    final Map<Integer, Bundle> bundles = new HashMap<>();

    /** @param service a tool's connection: it gets nothing unasked until it sets a miss_send_len or async masks */
    Session(boolean service) {
        this.service = service;
        this.async = AsyncMasks.standard(WireVersion.OF10);
        this.missSendLengthBytes = service ? 0 : DEFAULT_MISS_SEND_LENGTH;
    }

    /** A tool that says what it wants unasked gets it. */
    void setAsync(AsyncMasks masks) {
        async = masks;
        if (service && missSendLengthBytes == 0) {
            missSendLengthBytes = DEFAULT_MISS_SEND_LENGTH;
        }
    }

    /** Forgets a bundle, if there is such. */
    void discard(int bundleId) {
        Bundle bundle = bundles.remove(bundleId);
        if (bundle != null) {
            bundle.close();
        }
    }

    /** Forgets all bundles: the connection is over. */
    void discardAll() {
        bundles.values().forEach(Bundle::close);
        bundles.clear();
    }

    /** The version agreed on. Nothing but a hello is read or sent before there is one. */
    WireVersion agreedVersion() {
        return Objects.requireNonNull(version, "no version is agreed on yet");
    }
}
