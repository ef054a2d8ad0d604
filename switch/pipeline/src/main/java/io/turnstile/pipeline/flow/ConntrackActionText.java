package io.turnstile.pipeline.flow;

import java.util.ArrayList;
import java.util.List;

/** The text of {@code ct(…)}. */
final class ConntrackActionText {
    private static final int ZONE_BITS = 16;

    private ConntrackActionText() {}

    static OfAction.Ct read(String value, ActionParser parser) throws FlowTextException {
        boolean commit = false;
        boolean force = false;
        int table = OfAction.Ct.NO_RECIRCULATION;
        int zone = 0;
        OfAction.SubField zoneField = null;
        int helper = 0;
        List<OfAction> exec = new ArrayList<>();
        KeyValueScanner scanner = new KeyValueScanner(value);
        while (scanner.next()) {
            String argument = scanner.value();
            switch (scanner.key()) {
                case "commit" -> commit = true;
                case "force" -> force = true;
                case "table" -> table = (int) Numbers.parse("table", argument, 254);
                case "zone" -> {
                    boolean number = !argument.isEmpty() && Character.isDigit(argument.charAt(0));
                    zone = number ? (int) Numbers.parse("zone", argument, 0xffff) : 0;
                    zoneField = number ? null : zoneSource(argument);
                }
                case "alg" -> helper = helper(argument);
                case "exec" -> exec.addAll(parser.nestedInCt(argument));
                case "nat" -> exec.add(new OfAction.Nat(NatParser.parse(argument)));
                default -> throw new FlowTextException("invalid argument to \"ct\" action: `" + scanner.key() + "'");
            }
        }
        if (force && !commit) {
            throw new FlowTextException("\"force\" flag requires \"commit\" flag.");
        }
        return new OfAction.Ct(commit, force, zoneField, zone, table, helper, List.copyOf(exec));
    }

    private static OfAction.SubField zoneSource(String text) throws FlowTextException {
        SubFieldText.Parsed source = SubFieldText.parse(text);
        if (source.widthBits() != ZONE_BITS) {
            throw new FlowTextException(text + ": zone field must be 16 bits wide");
        }
        return source.toKey();
    }

    private static int helper(String name) throws FlowTextException {
        return switch (name) {
            case "ftp" -> OfAction.Ct.FTP;
            case "tftp" -> OfAction.Ct.TFTP;
            default -> throw new FlowTextException("invalid conntrack helper \"" + name + "\"");
        };
    }

    static String print(OfAction.Ct a, ActionFormat format) {
        List<String> arguments = new ArrayList<>();
        if (a.commit()) {
            arguments.add("commit");
        }
        if (a.force()) {
            arguments.add("force");
        }
        if (a.recircTable() != OfAction.Ct.NO_RECIRCULATION) {
            arguments.add("table=" + a.recircTable());
        }
        if (a.zoneField() != null) {
            arguments.add("zone=" + format.subField(a.zoneField()));
        } else if (a.zone() != 0) {
            arguments.add("zone=" + a.zone());
        }
        // A leading nat is shown beside exec, not in it.
        boolean translates = !a.exec().isEmpty() && a.exec().getFirst() instanceof OfAction.Nat;
        if (translates) {
            arguments.add(format.one(a.exec().getFirst()));
        }
        List<OfAction> exec = translates ? a.exec().subList(1, a.exec().size()) : a.exec();
        if (!exec.isEmpty()) {
            arguments.add("exec(" + format.format(exec) + ")");
        }
        if (a.helper() != 0) {
            arguments.add("alg="
                    + switch (a.helper()) {
                        case OfAction.Ct.FTP -> "ftp";
                        case OfAction.Ct.TFTP -> "tftp";
                        default -> Integer.toString(a.helper());
                    });
        }
        return "ct(" + String.join(",", arguments) + ")";
    }
}
