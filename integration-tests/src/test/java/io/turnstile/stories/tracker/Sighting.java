package io.turnstile.stories.tracker;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * How a flow table shows what is known of a packet: it sends the packet several times, with another part of the
 * connection tracking fields in the destination MAC each time, and which part in its first byte. The source MAC is left
 * alone: it says which packet this was.
 */
final class Sighting {
    static final int TABLE = 100;
    private static final int ETHER_TYPE_OFFSET = 12;
    private static final int VALUE_DIGITS = 10;
    private static final HexFormat HEX = HexFormat.of();
    private static final String[] STATES = {"new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"};

    /** One copy: what it is called and which fields it carries in the last five bytes of the destination MAC. */
    private enum Part {
        STATE("", "move:NXM_NX_CT_STATE[0..7]->NXM_OF_ETH_DST[32..39],move:NXM_NX_CT_MARK[]->NXM_OF_ETH_DST[0..31]"),
        LABEL_LOW("label[0..39]", "move:NXM_NX_CT_LABEL[0..39]->NXM_OF_ETH_DST[0..39]"),
        LABEL_MIDDLE("label[40..79]", "move:NXM_NX_CT_LABEL[40..79]->NXM_OF_ETH_DST[0..39]"),
        LABEL_HIGH("label[80..119]", "move:NXM_NX_CT_LABEL[80..119]->NXM_OF_ETH_DST[0..39]"),
        ZONE(
                "label[120..127].zone",
                "move:NXM_NX_CT_LABEL[120..127]->NXM_OF_ETH_DST[32..39],"
                        + "move:NXM_NX_CT_ZONE[]->NXM_OF_ETH_DST[16..31],load:0->NXM_OF_ETH_DST[0..15]"),
        SOURCE(
                "ct_proto.ct_src",
                "move:NXM_NX_CT_NW_PROTO[]->NXM_OF_ETH_DST[32..39]," + "move:CT_SOURCE->NXM_OF_ETH_DST[0..31]"),
        DESTINATION("ct_dst", "load:0->NXM_OF_ETH_DST[32..39],move:CT_DESTINATION->NXM_OF_ETH_DST[0..31]"),
        PORTS(
                "ct_ports",
                "load:0->NXM_OF_ETH_DST[32..39],move:NXM_NX_CT_TP_SRC[]->NXM_OF_ETH_DST[16..31],"
                        + "move:NXM_NX_CT_TP_DST[]->NXM_OF_ETH_DST[0..15]");

        final String title;
        final String moves;

        Part(String title, String moves) {
            this.title = title;
            this.moves = moves;
        }

        String actions() {
            return "load:" + (ordinal() + 1) + "->NXM_OF_ETH_DST[40..47]," + moves + ",output:2";
        }
    }

    private Sighting() {}

    /**
     * The flows of {@link #TABLE}. The original tuple may be read of packets only whose state says that there is one;
     * Open vSwitch's {@code move} does not read that of a packet which is related and nothing else, nor the ports of a
     * later fragment.
     */
    static List<String> flows() {
        List<Part> all = List.of(Part.values());
        List<String> flows = new ArrayList<>();
        flows.add(flow(1, "ct_state=-trk", List.of(Part.STATE)));
        flows.add(flow(2, "ct_state=+trk", all.subList(0, Part.SOURCE.ordinal())));
        for (String family : List.of("ip", "ipv6")) {
            for (String state : List.of("+new", "+est", "+rpl")) {
                int priority = 3 + 2 * flows.size();
                String match = family + ",ct_state=+trk" + state;
                flows.add(flow(priority, match, all.subList(0, Part.PORTS.ordinal())));
                flows.add(flow(priority + 1, match + ",ip_frag=not_later,ct_nw_proto=6", all));
                flows.add(flow(priority + 1, match + ",ip_frag=not_later,ct_nw_proto=17", all));
            }
        }
        return flows;
    }

    private static String flow(int priority, String match, List<Part> parts) {
        boolean six = match.startsWith("ipv6");
        String actions = String.join(",", parts.stream().map(Part::actions).toList())
                .replace("CT_SOURCE", six ? "NXM_NX_CT_IPV6_SRC[0..31]" : "NXM_NX_CT_NW_SRC[]")
                .replace("CT_DESTINATION", six ? "NXM_NX_CT_IPV6_DST[0..31]" : "NXM_NX_CT_NW_DST[]");
        return "table=" + TABLE + ",priority=" + priority + "," + match + ",actions=" + actions;
    }

    /** The frames that one packet led to, in words: what was seen of it at each stage. */
    static String text(List<byte[]> frames) {
        StringBuilder text = new StringBuilder();
        String packet = "";
        for (byte[] frame : frames) {
            long shown = ByteBuffer.wrap(frame).getLong() >>> 16;
            int part = (int) (shown >>> 40) - 1;
            if (part < 0 || part >= Part.values().length) {
                return text + " a frame that shows nothing: " + HEX.formatHex(frame);
            }
            String rest = HEX.formatHex(frame, ETHER_TYPE_OFFSET, frame.length);
            long value = shown & 0xff_ffff_ffffL;
            if (part == 0) {
                text.append(text.isEmpty() ? "" : "; ").append(state((int) (value >>> 32)));
                text.append(value << 32 == 0 ? "" : " mark=0x" + Long.toHexString(value & 0xffff_ffffL));
                text.append(rest.equals(packet) ? "" : " {" + FrameText.of(frame) + "}");
            } else {
                text.append(
                        value == 0 ? "" : " " + Part.values()[part].title + "=" + HEX.toHexDigits(value, VALUE_DIGITS));
                text.append(rest.equals(packet) ? "" : " {another packet: " + FrameText.of(frame) + "}");
            }
            packet = rest;
        }
        return text.isEmpty() ? "nothing" : text.toString();
    }

    private static String state(int bits) {
        StringBuilder text = new StringBuilder("ct_state=");
        for (int bit = 0; bit < STATES.length; bit++) {
            text.append((bits & 1 << bit) != 0 ? "+" + STATES[bit] : "");
        }
        return bits == 0 ? "ct_state=0" : text.toString();
    }
}
