package io.turnstile.pipeline.flow;

import io.turnstile.packet.EtherTypes;
import io.turnstile.pipeline.flow.OfAction.EncapProperty;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The text of encap and decap, and the headers that they know. */
final class EncapText {
    private static final int ETHER_TYPE_NAMESPACE = 1 << Short.SIZE;
    private static final int PART = 0xffff;
    /** Open vSwitch reads so many digits at most. */
    private static final int MOST_DIGITS = 251;

    private static final Pattern TLV = Pattern.compile("0x([0-9a-fA-F]{1,4}),([0-9]{1,3}),0x([0-9a-fA-F]+)");

    /** The headers that can be put in front. */
    private enum Header {
        ETHERNET(0),
        NSH(ETHER_TYPE_NAMESPACE | EtherTypes.NSH),
        MPLS(ETHER_TYPE_NAMESPACE | EtherTypes.MPLS),
        MPLS_MC(ETHER_TYPE_NAMESPACE | EtherTypes.MPLS_MULTICAST);

        private final int packetType;

        Header(int packetType) {
            this.packetType = packetType;
        }

        String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private EncapText() {}

    /** Whether there is a header that makes that of a packet. */
    static boolean isHeader(int packetType) {
        for (Header header : Header.values()) {
            if (header.packetType == packetType) {
                return true;
            }
        }
        return false;
    }

    // ---- reading ----

    static OfAction.Encap readEncap(String text) throws FlowTextException {
        KeyValueScanner scanner = new KeyValueScanner(text);
        if (!scanner.next()) {
            throw new FlowTextException("Missing encap hdr: " + text);
        }
        for (Header header : Header.values()) {
            if (header.word().equals(scanner.key())) {
                return new OfAction.Encap(header.packetType, properties(header, scanner.value()));
            }
        }
        throw new FlowTextException("Encap hdr not supported: " + scanner.value());
    }

    private static List<EncapProperty> properties(Header header, String text) throws FlowTextException {
        List<EncapProperty> properties = new ArrayList<>();
        KeyValueScanner scanner = new KeyValueScanner(text);
        while (scanner.next()) {
            String key = scanner.key();
            if (header != Header.NSH || !key.equals("md_type") && !key.equals("tlv")) {
                throw new FlowTextException("Invalid property: " + key);
            }
            if (scanner.value().isEmpty()) {
                throw new FlowTextException("Value missing for encap property");
            }
            properties.add(key.equals("tlv") ? tlv(scanner.value()) : mdType(scanner.value()));
        }
        return List.copyOf(properties);
    }

    private static EncapProperty mdType(String value) throws FlowTextException {
        int type = (int) Numbers.parse("md_type", value, 0xff);
        if (type < 1 || type > 2) {
            throw new FlowTextException("invalid md_type");
        }
        return new EncapProperty.MdType(type);
    }

    private static EncapProperty tlv(String value) throws FlowTextException {
        Matcher parts = TLV.matcher(value);
        if (!parts.matches() || parts.group(3).length() > MOST_DIGITS || Integer.parseInt(parts.group(2)) > 0xff) {
            throw new FlowTextException("Invalid NSH TLV header: " + value);
        }
        String digits = parts.group(3);
        List<Byte> data = new ArrayList<>();
        for (int i = 0; i + 1 < digits.length(); i += 2) {
            data.add((byte) HexFormat.fromHexDigits(digits, i, i + 2));
        }
        return new EncapProperty.Tlv(
                Integer.parseInt(parts.group(1), 16), Integer.parseInt(parts.group(2)), List.copyOf(data));
    }

    static OfAction.Decap readDecap(String text) throws FlowTextException {
        KeyValueScanner scanner = new KeyValueScanner(text);
        if (!scanner.next()) {
            return new OfAction.Decap(OfAction.Decap.BY_HEADER);
        }
        if (!scanner.key().equals("packet_type")) {
            throw new FlowTextException("Invalid decap argument: " + scanner.key());
        }
        KeyValueScanner parts = new KeyValueScanner(scanner.value());
        int namespace = part(parts, "ns");
        if (namespace > 1) {
            throw new FlowTextException("Unsupported ns value: " + namespace);
        }
        return new OfAction.Decap(namespace << Short.SIZE | part(parts, "type"));
    }

    private static int part(KeyValueScanner parts, String name) throws FlowTextException {
        if (!parts.next() || !parts.key().equals(name)) {
            throw new FlowTextException("Missing packet_type attribute " + name);
        }
        return (int) Numbers.parse(name, parts.value(), PART);
    }

    // ---- printing ----

    static String print(OfAction.Encap a) {
        String word = "UNKNOWN";
        for (Header header : Header.values()) {
            word = header.packetType == a.packetType() ? header.word() : word;
        }
        String properties = a.properties().stream().map(EncapText::print).collect(Collectors.joining(","));
        return "encap(" + word + (properties.isEmpty() ? "" : "(" + properties + ")") + ")";
    }

    private static String print(EncapProperty property) {
        return switch (property) {
            case EncapProperty.MdType md -> "md_type=" + md.type();
            case EncapProperty.Tlv tlv -> {
                StringBuilder data = new StringBuilder();
                tlv.data().forEach(octet -> data.append(HexFormat.of().toHexDigits(octet)));
                yield "tlv(0x%04x,%d,%s)".formatted(tlv.tlvClass(), tlv.type(), hexOf(data.toString()));
            }
        };
    }

    /** Without zeros in front, and zero without its prefix, as Open vSwitch writes it. */
    private static String hexOf(String digits) {
        String significant = digits.replaceFirst("^0+", "");
        return significant.isEmpty() ? "0" : "0x" + significant;
    }

    static String print(OfAction.Decap a) {
        return a.packetType() == OfAction.Decap.BY_HEADER
                ? "decap()"
                : "decap(packet_type(ns=" + (a.packetType() >>> Short.SIZE) + ",type="
                        + Numbers.hex(a.packetType() & PART) + "))";
    }
}
