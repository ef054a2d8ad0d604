package io.turnstile.pipeline;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.FieldText;
import io.turnstile.pipeline.flow.Bits;
import io.turnstile.pipeline.flow.FlowMod;
import io.turnstile.pipeline.flow.FlowText;
import io.turnstile.pipeline.flow.GroupBucket;
import io.turnstile.pipeline.flow.GroupMod;
import io.turnstile.pipeline.flow.Match;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.PortNames;
import io.turnstile.pipeline.flow.SubFieldText;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Single lines of a trace, in the words of {@code ofproto/trace}. */
final class TraceText {
    private TraceText() {}

    static String bridgeLine(String name) {
        return "bridge(\"" + name + "\")";
    }

    /**
     * @param rule null for a miss
     * @param packetIn whether the miss goes to the controllers
     */
    static String tableLine(int tableId, @Nullable Rule rule, boolean packetIn) {
        String number = number(tableId);
        if (rule == null) {
            return number + (packetIn ? "No match, and a \"packet-in\" is called for." : "No match.");
        }
        String fields = FlowText.format(rule.match);
        return number + (fields.isEmpty() ? "" : fields + ", ") + "priority " + rule.priority
                + (rule.cookie == 0 ? "" : ", cookie 0x" + Long.toHexString(rule.cookie));
    }

    static String fragmentLine(int tableId) {
        return number(tableId) + "Packets are IP fragments and the fragment handling mode is \"drop\".";
    }

    private static String number(int tableId) {
        return String.format("%2d. ", tableId);
    }

    /** Returns the line for a written sub-field: a whole field as ovs-fields(7) writes it, a part in hexadecimal. */
    static String written(OfAction.SubField part, long[] key) {
        Field field = part.field();
        boolean whole = part.equals(OfAction.SubField.whole(field));
        return SubFieldText.format(part, Match.ANY) + " is now "
                + (whole
                        ? FlowText.formatField(
                                field, field.getHigh(key), field.get(key), field.highMask(), field.lowMask())
                        : hex(Bits.read(part, key)));
    }

    private static String hex(Bits bits) {
        if (bits.high() == 0) {
            return (bits.low() == 0 ? "" : "0x") + Long.toHexString(bits.low());
        }
        return "0x" + Long.toHexString(bits.high()) + String.format("%016x", bits.low());
    }

    /** @param ordered as it will run */
    static String actionSet(String verb, List<OfAction> ordered) {
        if (ordered.isEmpty()) {
            return "action set " + verb + " empty";
        }
        String written = action(new OfAction.WriteActions(ordered));
        return "action set " + verb + ": " + written.substring(written.indexOf('(') + 1, written.length() - 1);
    }

    /** A flow that the packet learns. */
    static String learned(FlowMod flow) {
        StringBuilder line = new StringBuilder("table=").append(flow.tableId());
        String fields = FlowText.format(flow.match());
        if (!fields.isEmpty()) {
            line.append(' ').append(fields);
        }
        line.append(" priority=").append(flow.priority());
        if (flow.cookie() != 0) {
            line.append(" cookie=").append(FieldText.hex(flow.cookie()));
        }
        if (flow.idleTimeoutSeconds() != 0) {
            line.append(" idle=").append(flow.idleTimeoutSeconds());
        }
        if (flow.hardTimeoutSeconds() != 0) {
            line.append(" hard=").append(flow.hardTimeoutSeconds());
        }
        if (flow.flags().contains(FlowMod.Flag.SEND_FLOW_REM)) {
            line.append(" send_flow_rem");
        }
        return line.append(" actions=").append(FlowText.format(flow.actions())).toString();
    }

    static String unroll(FrozenActions list) {
        return "unroll_xlate(table=" + list.tableId() + ", cookie=" + Long.toUnsignedString(list.cookie()) + ")";
    }

    static String unrolled(FrozenActions list) {
        return "restored state: table=" + list.tableId() + ", cookie=" + FieldText.hex(list.cookie());
    }

    /** What is left of the lists. */
    static String restored(List<FrozenActions> rest) {
        List<String> parts = new ArrayList<>();
        for (FrozenActions list : rest) {
            if (list.tells()) {
                parts.add(unroll(list));
            }
            if (!list.actions().isEmpty()) {
                parts.add(FlowText.format(list.actions()));
            }
        }
        return "Restoring actions: " + String.join(",", parts);
    }

    static String deadBucket(GroupBucket bucket) {
        List<String> watched = new ArrayList<>();
        if (bucket.watchPort() != OfAction.Ports.NONE) {
            watched.add("port " + PortNames.format(bucket.watchPort()));
        }
        if (bucket.watchGroup() != GroupMod.ANY) {
            watched.add("port " + Integer.toUnsignedString(bucket.watchGroup())); // as Open vSwitch calls it
        }
        return "bucket " + Integer.toUnsignedString(bucket.bucketId()) + ": not live due to "
                + String.join(" and ", watched);
    }

    /** A packet of that VLAN must not come in by the Port. */
    static String vlanRefused(String port, PortVlan settings, int vlan) {
        return switch (settings.mode()) {
            case ACCESS ->
                "dropping VLAN %d tagged packet received on port %s configured as VLAN %d access port"
                        .formatted(vlan, port, settings.vlan());
            case TRUNK, NATIVE_TAGGED, NATIVE_UNTAGGED ->
                "dropping VLAN %d packet received on port %s not configured for trunking VLAN %d"
                        .formatted(vlan, port, vlan);
            case DOT1Q_TUNNEL ->
                "dropping VLAN %d packet received on dot1q-tunnel port %s that excludes this VLAN"
                        .formatted(vlan, port);
        };
    }

    static String action(OfAction action) {
        return FlowText.format(List.of(action));
    }
}
