package io.turnstile.datapath;

import java.util.Locale;
import java.util.UUID;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Datapath flows as {@code ovs-appctl dpctl/dump-flows [-m]} and {@code ofproto/trace} print them for the userspace
 * datapath. A flow shows the packet that made it; what was not looked at is left out, or has mask 0 with {@code -m}.
 *
 * <p>Threads: stateless.
 */
public final class DatapathFlowText {
    private static final String FLAG_LETTERS = "FSRP.UECN";

    private DatapathFlowText() {}

    /** A cookie of {@link DatapathAction.Userspace} that says what stands behind {@code pid=0} in its action's text. */
    public interface UserspaceText {
        String userspaceText();
    }

    /** One line of dump-flows; ports by number. */
    public static String line(DatapathFlow flow, long nowNs) {
        return line(flow, nowNs, Integer::toString);
    }

    /** One line of dump-flows with ports named by {@code portName}. */
    public static String line(DatapathFlow flow, long nowNs, IntFunction<String> portName) {
        return match(flow, false, portName) + ", " + counters(flow, nowNs) + ", actions:"
                + actions(flow.actions(), flow.firstKey(), portName);
    }

    /** One line of {@code dump-flows -m} of a flow that nobody else carries packets of. */
    public static String verboseLine(DatapathFlow flow, long nowNs, IntFunction<String> portName) {
        return verboseLine(flow, nowNs, portName, "");
    }

    /**
     * One line of {@code dump-flows -m}: every field, with its mask, and the flow's unique id.
     *
     * @param carrier who carries packets of it; empty if nobody does
     */
    public static String verboseLine(DatapathFlow flow, long nowNs, IntFunction<String> portName, String carrier) {
        return "ufid:" + flow.uniqueId() + ", " + match(flow, true, portName) + ", " + counters(flow, nowNs)
                + (carrier.isEmpty() ? ", dp:ovs" : ", offloaded:yes, dp:" + carrier) + ", actions:"
                + actions(flow.actions(), flow.firstKey(), portName);
    }

    /** One line of {@code dpif/dump-flows -m}, which does not say by whom the flow is held. */
    public static String verboseLineOfBridge(DatapathFlow flow, long nowNs, IntFunction<String> portName) {
        return "ufid:" + flow.uniqueId() + " " + match(flow, true, portName) + ", " + counters(flow, nowNs)
                + ", actions:" + actions(flow.actions(), flow.firstKey(), portName);
    }

    /** The flow's unique id and what it matches on, every field with its mask, ports by number. */
    static String verboseMatch(DatapathFlow flow) {
        return "ufid:" + flow.uniqueId() + " " + match(flow, true, Integer::toString);
    }

    /** The whole key of a packet, ports by number. */
    static String key(long[] key) {
        return FlowMatchText.ofPacket(key, Integer::toString).text();
    }

    /** What the flow matches on, ports by number. */
    static String match(DatapathFlow flow) {
        return match(flow, false, Integer::toString);
    }

    private static String match(DatapathFlow flow, boolean all, IntFunction<String> portName) {
        boolean showsType = !(flow.owner() instanceof HandMade byHand) || byHand.namesPacketType();
        return new FlowMatchText(flow.firstKey(), flow.mask(), all, portName).text(showsType);
    }

    /** What the flow does, ports by number. */
    static String actions(DatapathFlow flow) {
        return actions(flow.actions(), flow.firstKey(), Integer::toString);
    }

    /** What came by: {@code packets:…, bytes:…, used:…}, and the TCP flags seen. */
    public static String counters(DatapathFlow flow, long nowNs) {
        long packets = Math.max(0, flow.hitPackets()); // missed packets are noted before they are counted
        String used = packets == 0 ? "never" : String.format(Locale.ROOT, "%.3fs", (nowNs - flow.lastUsedNs()) / 1e9);
        String text = "packets:" + packets + ", bytes:" + Math.max(0, flow.hitBytes()) + ", used:" + used;
        return flow.tcpFlags() == 0 ? text : text + ", flags:" + tcpFlags(flow.tcpFlags());
    }

    /** One letter for each flag seen; the ones without a letter as a number. */
    private static String tcpFlags(int flags) {
        StringBuilder text = new StringBuilder();
        for (int bit = 0; bit < FLAG_LETTERS.length(); bit++) {
            if ((flags & (1 << bit)) != 0) {
                text.append(FLAG_LETTERS.charAt(bit));
            }
        }
        int nameless = flags >>> FLAG_LETTERS.length() << FLAG_LETTERS.length();
        return nameless == 0 ? text.toString() : text + "[" + nameless + "]";
    }

    /**
     * Actions on packets of unknown kind, ports by number: addresses are shown as those of IPv4 or IPv6 by their width,
     * transport ports as TCP's. Give the key where it is known.
     */
    public static String actions(DatapathAction[] actions) {
        return actions(actions, null, Integer::toString);
    }

    /** Ports by {@code portName}, as {@link #actions(DatapathAction[])} otherwise. */
    public static String actions(DatapathAction[] actions, IntFunction<String> portName) {
        return actions(actions, null, portName);
    }

    /**
     * Actions on packets of the key's kind, ports by {@code portName}.
     *
     * @param key of a packet that they are for: says whether a port is TCP's or UDP's; may be null
     */
    public static String actions(DatapathAction[] actions, long @Nullable [] key, IntFunction<String> portName) {
        return new ActionText(key, portName).text(actions);
    }

    /** A flow's 128-bit id as the tools print it. */
    static UUID uniqueId(long[] key, long[] mask) {
        long high = 0x9e37_79b9_7f4a_7c15L;
        long low = 0xc2b2_ae3d_27d4_eb4fL;
        for (int i = 0; i < FlowKey.DATAPATH_WORDS; i++) {
            high = Long.rotateLeft((high ^ key[i]) * 0xff51_afd7_ed55_8ccdL, 31) + mask[i];
            low = Long.rotateLeft((low ^ mask[i]) * 0xc4ce_b9fe_1a85_ec53L, 29) + key[i];
        }
        return new UUID(high ^ (low >>> 32), low ^ (high << 17));
    }
}
