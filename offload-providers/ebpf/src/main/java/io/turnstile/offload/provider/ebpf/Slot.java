package io.turnstile.offload.provider.ebpf;

import io.turnstile.bpf.MapDefinition;
import io.turnstile.bpf.MapFlag;
import io.turnstile.bpf.MapType;

/**
 * Where the deciding program leaves its decision for the carrying one: one slot for each CPU, in memory that this
 * process sees, too. Both programs run for a frame in one go on one CPU, so that nobody else writes there.
 *
 * <p>{@link #STATE} is odd from before the deciding program looks a path up until the frame is carried, or is known not
 * to be: whoever has removed a path and then sees an even state, or another odd one, knows that this CPU does nothing
 * by that path any more.
 */
final class Slot {
    /** 8 bytes: counts up; odd while a frame is being decided about or carried. */
    static final int STATE = 0;
    /** Index of the device that the decision's frame came in by; 0: there is no decision. */
    static final int INGRESS = 8;
    /** Length of that frame, by which, too, the carrying program knows it. */
    static final int FRAME_BYTES = 12;
    /** {@link PathValue#FLAGS} of the path, {@link Flag#PUSH_TAG}, {@link Flag#POP_TAG} being this frame's. */
    static final int FLAGS = 16;

    static final int EGRESS = 20;
    static final int COUNTER = 24;
    /** Segments of the frame. */
    static final int PACKETS = 28;
    /** 8 bytes: as on the wire, all segments together. */
    static final int WIRE_BYTES = 32;
    /** Where the transport's checksum is in the frame. */
    static final int CHECKSUM_AT = 40;
    /** Flags for {@code bpf_l4_csum_replace}, but for that of the pseudo header. */
    static final int CHECKSUM_FLAGS = 44;

    static final int ADDRESS_DIFFERENCE = 48;
    static final int PORT_DIFFERENCE = 52;
    /** By how much the sum over the whole IPv6 header changes. */
    static final int HEADER_DIFFERENCE = 56;
    /** TCI to push. */
    static final int TAG = 60;

    static final int MARK = 64;
    static final int PRIORITY = 68;
    /** The frame's headers as they are to be written. */
    static final int HEADER = 72;
    /** Frames not carried although there was a path: they failed its guard or its size. */
    static final int GUARD_FAILURES = 144;
    /** Frames dropped half way. */
    static final int DROPS = 152;
    /** Decisions that were there when the frame that came was another one. */
    static final int STALE = 160;
    /** Frames carried before they were packets. */
    static final int XDP_FRAMES = 168;

    private static final int SIZE_BYTES = 192;

    private Slot() {}

    static MapDefinition map(int cpus) {
        return MapDefinition.of("ts_slots", MapType.ARRAY, Integer.BYTES, SIZE_BYTES, cpus)
                .with(MapFlag.MMAPABLE);
    }
}
