package io.turnstile.pipeline;

import io.turnstile.conntrack.CtState;
import io.turnstile.datapath.DatapathFlowText;
import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.PacketInReason;
import io.turnstile.pipeline.flow.Prerequisites;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The packet-in that a controller action asks for: the cookie of a
 * {@link io.turnstile.datapath.DatapathAction.Userspace}.
 *
 * @param userdata what the packet-in brings along
 * @param key the walk's key at that point; its pipeline part is the same for all packets of the datapath flow
 * @param conntrackVisible whether the packet's ct_ fields are in scope at that point
 * @param paused the rest of the walk, if it waits for a controller; else null
 */
public record PacketInRequest(
        BridgePipeline bridge,
        int maxLengthBytes,
        PacketInReason reason,
        int tableId,
        long cookie,
        int controllerId,
        List<Byte> userdata,
        long[] key,
        boolean conntrackVisible,
        @Nullable PausedWalk paused)
        implements DatapathFlowText.UserspaceText {

    @Override
    public String userspaceText() {
        // Open vSwitch's datapath numbers all reasons as they stand in their enumeration.
        return "controller(reason=" + reason.ordinal() + ",dont_send=0,continuation=" + (paused == null ? 0 : 1)
                + ",recirc_id=0,rule_cookie="
                + (cookie == 0 ? "0" : "0x" + Long.toHexString(cookie)) + ",controller_id=" + controllerId + ",max_len="
                + maxLengthBytes + ")";
    }

    byte[] userdataBytes() {
        byte[] bytes = new byte[userdata.size()];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = userdata.get(i);
        }
        return bytes;
    }

    /**
     * The metadata of the packet-in: the in_port, and those of the pipeline's fields that are not zero; of a tracked
     * packet also the Ethernet type. An invalid packet's tuple is not among them: who reads a match refuses it without
     * a state that says it is there (ovs-fields(7), ct_nw_src).
     */
    Match metadata(long[] packetKey) {
        long[] shown = key.clone();
        ConntrackFields.clear(shown);
        if (conntrackVisible && (Field.CT_STATE.get(packetKey) & CtState.TRK) != 0) {
            ConntrackFields.copy(packetKey, shown);
        }
        Match.Builder metadata = Match.builder().exact(Field.IN_PORT, Field.IN_PORT.get(shown));
        boolean hasTuple = Prerequisites.areMet(Field.CT_NW_PROTO, shown, FlowKey.newKey());
        for (Field field : PipelineFields.OF_PACKET_INS) {
            if ((field.get(shown) != 0 || field.getHigh(shown) != 0)
                    && (hasTuple || !Prerequisites.areOfConnection(field))) {
                metadata.exact(field, field.getHigh(shown), field.get(shown));
            }
        }
        if (Field.PACKET_TYPE.get(packetKey) != 0) { // Ethernet goes without saying
            metadata.exact(Field.PACKET_TYPE, Field.PACKET_TYPE.get(packetKey));
        }
        if (Field.CT_STATE.get(shown) != 0) {
            metadata.exact(Field.ETH_TYPE, Field.ETH_TYPE.get(packetKey)); // what a tuple's fields depend on
        }
        return metadata.build();
    }
}
