package io.turnstile.pipeline;

import io.turnstile.datapath.DatapathFlowText;

/**
 * What a controller action wants to be told: the cookie of a {@link io.turnstile.datapath.DatapathAction.Userspace}.
 *
 * @param key the walk's key at that point; its pipeline part is the same for all packets of the datapath flow
 * @param conntrackVisible whether the packet's ct_ fields are in scope at that point
 */
public record PacketInRequest(
        BridgePipeline bridge,
        int maxLengthBytes,
        PacketInReason reason,
        int tableId,
        long cookie,
        int controllerId,
        long[] key,
        boolean conntrackVisible)
        implements DatapathFlowText.UserspaceText {

    @Override
    public String userspaceText() {
        return "controller(reason=" + reason.number() + ",dont_send=0,continuation=0,recirc_id=0,rule_cookie="
                + (cookie == 0 ? "0" : "0x" + Long.toHexString(cookie)) + ",controller_id=" + controllerId + ",max_len="
                + maxLengthBytes + ")";
    }
}
