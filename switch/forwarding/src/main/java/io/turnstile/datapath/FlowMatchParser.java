package io.turnstile.datapath;

import io.turnstile.packet.EtherTypes;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The parser of datapath flows, in the syntax that dump-flows prints and ovs-dpctl(8) takes:
 * {@code in_port(1),eth(src=…,dst=…),eth_type(0x0800),ipv4(…)}. What stands inside the brackets it knows from
 * {@link HeaderText}. A value without a mask is meant whole; what is not named is not looked at.
 *
 * <p>Threads: one parser, one text.
 */
public final class FlowMatchParser {
    /** What a key has room for. */
    private static final int MOST_TAGS = 2;

    private static final int PCP_ALL = FieldValues.vlanPriority(FieldValues.VLAN_PCP_MASK);

    /**
     * A datapath flow's match.
     *
     * @param key {@link FlowKey#newKey} with the values
     * @param mask which of their bits matter
     * @param namesPacketType whether {@code packet_type} stands in it
     */
    public record Parsed(long[] key, long[] mask, boolean namesPacketType) {}

    /** By which dumps begin a flow; what it matches on follows. */
    private static final Pattern UFID = Pattern.compile("\\s*ufid:[\\p{XDigit}-]{36}[,\\s]*");

    private static final Pattern PACKET_TYPE_PARTS = Pattern.compile("ns=(\\w+)(?:/[^,]*)?,id=(\\w+)(?:/.*)?");

    private final String text;
    private final ToIntFunction<String> portNumber;
    private final long[] key = FlowKey.newKey();
    private final long[] mask = FlowKey.newKey();
    private boolean hasType;
    /** How many tags stand before what is being read. */
    private int tags;

    private int namedType = EtherTypes.NOT_ETH_TYPE;
    private boolean namesPacketType;

    private FlowMatchParser(String text, ToIntFunction<String> portNumber) {
        this.text = text;
        this.portNumber = portNumber;
    }

    /**
     * Reads a flow.
     *
     * @param portNumber the number of a port that is named; negative if there is none
     * @throws FlowSyntaxException what stands where nothing can be read
     */
    public static Parsed parse(String flow, ToIntFunction<String> portNumber) throws FlowSyntaxException {
        FlowMatchParser parser = new FlowMatchParser(flow, portNumber);
        Matcher id = UFID.matcher(flow);
        parser.read(id.lookingAt() ? id.end() : 0, flow.length());
        if (!parser.hasType) { // that of the header that is named; none at all, as of frames with a length in its place
            Field.ETH_TYPE.set(parser.key, parser.namedType);
            Field.ETH_TYPE.setExact(parser.mask);
        }
        return new Parsed(parser.key, parser.mask, parser.namesPacketType);
    }

    /**
     * Reads the match of a flow that is to be put in: what a datapath flow always matches on is matched on, whether it
     * is named or not.
     *
     * @throws FlowSyntaxException as {@link #parse}
     */
    public static Parsed parseMatch(String flow, ToIntFunction<String> portNumber) throws FlowSyntaxException {
        Parsed parsed = parse(flow, portNumber);
        Field.RECIRC_ID.setExact(parsed.mask);
        TagMask.complete(parsed.mask); // No tag is named: none may be there.
        return parsed;
    }

    private FlowSyntaxException error(int at) {
        return new FlowSyntaxException("syntax error at " + text.substring(Math.min(at, text.length())));
    }

    /** Reads parts {@code name(inside)} that stand one after the other, with commas or blanks between them. */
    private void read(int from, int to) throws FlowSyntaxException {
        int at = from;
        while (true) {
            while (at < to && ", \t\r\n".indexOf(text.charAt(at)) >= 0) {
                at++;
            }
            if (at >= to) {
                return;
            }
            int open = text.indexOf('(', at);
            int close = open < 0 ? -1 : closing(open, to);
            if (close < 0) {
                throw error(at);
            }
            try {
                part(text.substring(at, open), open + 1, close);
            } catch (NumberFormatException | IndexOutOfBoundsException e) {
                throw error(at);
            }
            at = close + 1;
        }
    }

    private int closing(int open, int to) {
        int depth = 0;
        for (int i = open; i < to; i++) {
            depth += text.charAt(i) == '(' ? 1 : text.charAt(i) == ')' ? -1 : 0;
            if (depth == 0) {
                return i;
            }
        }
        return -1;
    }

    private void part(String name, int from, int to) throws FlowSyntaxException {
        String inside = text.substring(from, to).strip();
        switch (name) {
            case "encap" -> {
                tags++;
                read(from, to);
            }
            case "recirc_id" -> set(Field.RECIRC_ID, FieldText.HEX, inside);
            case "in_port" -> inPort(inside);
            case "eth_type" -> etherType(inside);
            case "vlan" -> vlan(inside);
            case "ct_state" -> flags(Field.CT_STATE, FlagNames.CT_STATE, inside);
            case "tcp_flags" -> flags(Field.TCP_FLAGS, FlagNames.TCP_FLAGS, inside);
            case "packet_type" -> {
                packetType(inside);
                namesPacketType = true;
            }
            case "mpls" -> LabelStack.parse(pairs(inside), key, mask);
            default -> header(name, inside, from);
        }
    }

    // ---- single parts ----

    private void set(Field field, FieldText style, String value) {
        FieldText.Value read = style.parse(field, value);
        field.set(key, read.high(), read.low());
        field.set(mask, read.maskHigh(), read.maskLow());
    }

    private void inPort(String inside) {
        String name = inside.contains("/") ? inside.substring(0, inside.indexOf('/')) : inside;
        int number = name.matches("[0-9].*") ? Integer.parseUnsignedInt(name) : portNumber.applyAsInt(name);
        if (number < 0 && !name.matches("[0-9].*")) {
            throw new NumberFormatException(name);
        }
        Field.IN_PORT.set(key, number & 0xffff_ffffL);
        Field.IN_PORT.setExact(mask);
    }

    /** The type of the frame, or of what is encapsulated: the last one is the packet's. */
    private void etherType(String inside) {
        FieldText.Value read = FieldText.HEX.parse(Field.ETH_TYPE, inside);
        boolean isTag = read.low() == EtherTypes.VLAN || read.low() == EtherTypes.QINQ;
        Field tagType = tags == 0 ? Field.VLAN_TPID : Field.VLAN_TPID1;
        if (isTag && tags < MOST_TAGS && read.maskLow() == Field.ETH_TYPE.lowMask()) {
            tagType.set(key, read.low());
            tagType.setExact(mask);
            return; // vlan() says the rest
        }
        hasType = true;
        boolean isNone = read.low() == 0 && read.maskLow() == Field.ETH_TYPE.lowMask();
        Field.ETH_TYPE.set(key, isNone ? EtherTypes.NOT_ETH_TYPE : read.low());
        Field.ETH_TYPE.set(mask, read.maskLow());
    }

    private void vlan(String inside) {
        long tci = FieldValues.VLAN_PRESENT;
        long tciMask = FieldValues.VLAN_PRESENT;
        for (String pair : pairs(inside)) {
            String value = pair.substring(pair.indexOf('=') + 1);
            String[] parts = value.split("/", 2);
            long number = FieldText.number(parts[0], 16);
            switch (pair.substring(0, pair.indexOf('='))) {
                case "vid" -> {
                    tci |= number & FieldValues.VLAN_VID_MASK;
                    tciMask |= parts.length > 1 ? FieldText.number(parts[1], 12) : FieldValues.VLAN_VID_MASK;
                }
                case "pcp" -> {
                    tci |= (number & PCP_ALL) << FieldValues.VLAN_PCP_SHIFT;
                    long bits = parts.length > 1 ? FieldText.number(parts[1], 3) : PCP_ALL;
                    tciMask |= bits << FieldValues.VLAN_PCP_SHIFT;
                }
                case "cfi" -> {
                    if (number == 0) {
                        tci &= ~FieldValues.VLAN_PRESENT;
                    }
                }
                case "tci" -> {
                    tci = number;
                    tciMask = parts.length > 1 ? FieldText.number(parts[1], 16) : 0xffff;
                }
                default -> throw new NumberFormatException(pair);
            }
        }
        Field tag = tags == 0 ? Field.VLAN_TCI : Field.VLAN_TCI1;
        tag.set(key, tci);
        tag.set(mask, tciMask);
    }

    /** Ethernet, which need not be said, or what Ethernet would call by such a type. */
    private void packetType(String inside) {
        Matcher parts = PACKET_TYPE_PARTS.matcher(inside.replace(" ", ""));
        if (!parts.matches()) {
            throw new NumberFormatException(inside);
        }
        long namespace = FieldText.number(parts.group(1), 16);
        long id = FieldText.number(parts.group(2), 16);
        if (namespace > 1 || namespace == 0 && id != 0) {
            throw new NumberFormatException(inside);
        }
        if (namespace == 1) {
            Field.PACKET_TYPE.set(key, namespace << Short.SIZE | id);
            Field.PACKET_TYPE.setExact(mask);
            Field.ETH_TYPE.set(key, id);
            Field.ETH_TYPE.setExact(mask);
            hasType = true;
        }
    }

    /** {@code +new-est}, {@code syn|ack}, or a number with a mask. */
    private void flags(Field field, FlagNames names, String inside) {
        if (inside.matches("[0-9].*")) {
            set(field, FieldText.HEX, inside);
            return;
        }
        boolean signed = inside.startsWith("+") || inside.startsWith("-");
        long value = 0;
        long known = signed ? 0 : field == Field.TCP_FLAGS ? FieldValues.TCP_FLAGS_MASK : field.lowMask();
        for (String word : inside.split(signed ? "(?=[+-])" : "[|,]")) {
            String name = signed ? word.substring(1) : word.strip();
            long bit = names.bit(name);
            if (bit == 0 && !name.isEmpty()) {
                throw new NumberFormatException(word);
            }
            value |= word.startsWith("-") ? 0 : bit;
            known |= bit;
        }
        field.set(key, value);
        field.set(mask, known);
    }

    // ---- headers ----

    private void header(String name, String inside, int at) throws FlowSyntaxException {
        HeaderText header = HeaderText.labelled(name);
        if (header == null) {
            throw error(at - name.length() - 1);
        }
        namedType = header.etherType(namedType);
        if (header.isSingle()) {
            set(header.onlyField(), header.onlyText(), inside);
            return;
        }
        for (String pair : pairs(inside)) {
            String word = pair.substring(0, pair.indexOf('='));
            String value = pair.substring(pair.indexOf('=') + 1);
            if (word.equals("frag")) {
                fragment(value);
                continue;
            }
            HeaderText.Part part = header.part(word);
            if (part == null) {
                throw error(text.indexOf(pair, at));
            }
            set(part.field(), part.text(), value);
        }
    }

    private void fragment(String value) {
        Field.NW_FRAG.set(
                key,
                switch (value) {
                    case "no" -> 0;
                    case "first" -> FieldValues.FRAGMENT_ANY;
                    case "later" -> FieldValues.FRAGMENT_ANY | FieldValues.FRAGMENT_LATER;
                    default -> throw new NumberFormatException(value);
                });
        Field.NW_FRAG.set(mask, FieldValues.FRAGMENT_ANY | FieldValues.FRAGMENT_LATER);
    }

    /** What stands between commas. */
    private static List<String> pairs(String inside) {
        List<String> pairs = new ArrayList<>();
        for (String pair : inside.split(",")) {
            if (!pair.isBlank()) {
                pairs.add(pair.strip());
            }
        }
        return pairs;
    }
}
