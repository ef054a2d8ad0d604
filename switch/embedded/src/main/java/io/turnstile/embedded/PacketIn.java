package io.turnstile.embedded;

import io.turnstile.packet.FrameView;
import io.turnstile.pipeline.OpenFlowSwitch;
import io.turnstile.pipeline.PausedWalk;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.PacketInReason;
import org.jspecify.annotations.Nullable;

/**
 * A packet that the switch sent to its controllers.
 *
 * @param frame the whole frame
 * @param maxLengthBytes what the action asked for; a controller gets the whole frame, as none is buffered
 * @param reason what called for it
 * @param tableId table of the flow that sent it
 * @param cookie of that flow, -1 if it met none
 * @param controllerId 0 unless the action named one
 * @param metadata in_port, registers, metadata and, where the packet was tracked, ct_state and its kin
 * @param userdata what the action gave along, mostly nothing
 * @param paused where the packet goes on if a controller lets it ({@link OpenFlowSwitch#resume}); null unless it waits
 */
public record PacketIn(
        byte[] frame,
        int maxLengthBytes,
        PacketInReason reason,
        int tableId,
        long cookie,
        int controllerId,
        Match metadata,
        byte[] userdata,
        @Nullable PausedWalk paused) {

    /** The frame as an object that can be asked for what its headers say. */
    public FrameView view() {
        return FrameView.of(frame);
    }

    /** {@code metadata} in ovs-ofctl syntax: {@code in_port=1,reg0=0x7}. */
    public String metadataText() {
        return FlowText.format(metadata);
    }
}
