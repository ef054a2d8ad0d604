package io.turnstile.pipeline;

import io.turnstile.datapath.DatapathAction;
import java.util.ArrayList;
import java.util.List;

/** What of a list of datapath actions concerns controllers: the packets that go to them, as they go to them. */
final class PacketIns {
    private PacketIns() {}

    /** The actions without those by which a packet leaves, is tracked or is looked up again. */
    static DatapathAction[] only(DatapathAction[] actions) {
        List<DatapathAction> kept = new ArrayList<>();
        for (DatapathAction action : actions) {
            switch (action) {
                case DatapathAction.Clone clone -> kept.add(new DatapathAction.Clone(only(clone.actions())));
                case DatapathAction.CheckPacketLength check ->
                    kept.add(new DatapathAction.CheckPacketLength(
                            check.bytes(), only(check.longer()), only(check.others())));
                case DatapathAction.Userspace _,
                        DatapathAction.SetField _,
                        DatapathAction.PushVlan _,
                        DatapathAction.PopVlan _,
                        DatapathAction.PushMpls _,
                        DatapathAction.PopMpls _,
                        DatapathAction.AddMpls _,
                        DatapathAction.PushEthernet _,
                        DatapathAction.PopEthernet _,
                        DatapathAction.PushNsh _,
                        DatapathAction.PopNsh _,
                        DatapathAction.CtClear _ -> kept.add(action);
                case DatapathAction.Output _,
                        DatapathAction.OutputTruncated _,
                        DatapathAction.Ct _,
                        DatapathAction.Recirculate _,
                        DatapathAction.Hash _,
                        DatapathAction.Metered _,
                        DatapathAction.Drop _ -> {
                    // Nothing that a controller sees.
                }
            }
        }
        return kept.toArray(DatapathAction[]::new);
    }
}
