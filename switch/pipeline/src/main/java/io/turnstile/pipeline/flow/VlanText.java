package io.turnstile.pipeline.flow;

import io.turnstile.datapath.FieldValues;
import io.turnstile.packet.EtherTypes;

/** The text of actions on VLAN tags. Those called mod_… push a tag if there is none, those called set_… do not. */
final class VlanText {
    private VlanText() {}

    static OfAction.SetVlanVid readVid(String value, boolean pushIfNeeded) throws FlowTextException {
        return new OfAction.SetVlanVid((int) Numbers.parse("VLAN VID", value, FieldValues.VLAN_VID_MASK), pushIfNeeded);
    }

    static OfAction.SetVlanPcp readPcp(String value, boolean pushIfNeeded) throws FlowTextException {
        return new OfAction.SetVlanPcp((int) Numbers.parse("VLAN PCP", value, 7), pushIfNeeded);
    }

    static OfAction.PushVlan readPush(String value) throws FlowTextException {
        int type = (int) Numbers.parse("ethertype", value, 0xffff);
        if (!EtherTypes.isTag(type)) {
            throw new FlowTextException(value + ": not a valid VLAN ethertype");
        }
        return new OfAction.PushVlan(type);
    }

    static String print(OfAction.SetVlanVid a) {
        return (a.pushIfNeeded() ? "mod_vlan_vid:" : "set_vlan_vid:") + a.vid();
    }

    static String print(OfAction.SetVlanPcp a) {
        return (a.pushIfNeeded() ? "mod_vlan_pcp:" : "set_vlan_pcp:") + a.pcp();
    }
}
