package io.turnstile.pipeline.flow;

import static io.turnstile.pipeline.flow.ActionForm.OF10;
import static io.turnstile.pipeline.flow.ActionForm.OF11;
import static io.turnstile.pipeline.flow.ActionForm.OF12;
import static io.turnstile.pipeline.flow.ActionForm.OF13;
import static io.turnstile.pipeline.flow.ActionForm.OF15;
import static io.turnstile.pipeline.flow.OfErrorCode.Form.AS_IN_10;
import static io.turnstile.pipeline.flow.OfErrorCode.Form.NO_FORM;

import java.util.Arrays;

/**
 * The typed errors of the OpenFlow specifications that this switch sends, by their spec names, with the type and code
 * of OpenFlow 1.0 and those of later versions (OpenFlow 1.0.0 §5.4.4, 1.3.5 §7.4.4, 1.5.1 §7.5.4), and what is
 * otherwise in some of these. Under 1.0 a code of 256 and more, and a type that 1.0 does not have, is one of Open
 * vSwitch's Nicira vendor errors; -1: it has no such error. Type 0xffff is an error of Nicira's (OFPET_EXPERIMENTER),
 * the code its number.
 */
public enum OfErrorCode {
    // spotless:off
    OFPBRC_BAD_VERSION(1, 0, 1, 0),
    OFPBRC_BAD_TYPE(1, 1, 1, 1),
    OFPBRC_BAD_STAT(1, 2, 1, 2),
    OFPBRC_BAD_VENDOR(1, 3, 1, 3),
    OFPBRC_BAD_SUBTYPE(1, 4, 1, 4),
    OFPBRC_EPERM(1, 5, 1, 5),
    OFPBRC_BAD_LEN(1, 6, 1, 6),
    NXBRC_MUST_BE_ZERO(1, 515, 0xffff, 4, until(OF11, AS_IN_10)),
    OFPBRC_BUFFER_EMPTY(1, 7, 1, 7),
    OFPBRC_BUFFER_UNKNOWN(1, 8, 1, 8),
    OFPBRC_BAD_TABLE_ID(1, 512, 1, 9),
    OFPBRC_IS_SLAVE(-1, -1, 1, 10, until(OF11, AS_IN_10)),
    OFPBRC_BAD_PORT(1, 514, 1, 11, until(OF11, AS_IN_10)),
    OFPBRC_BAD_PACKET(-1, -1, 1, 12, until(OF11, AS_IN_10)),
    OFPBAC_BAD_TYPE(2, 0, 2, 0),
    OFPBAC_BAD_LEN(2, 1, 2, 1),
    OFPBAC_BAD_VENDOR(2, 2, 2, 2),
    OFPBAC_BAD_VENDOR_TYPE(2, 3, 2, 3),
    OFPBAC_BAD_OUT_PORT(2, 4, 2, 4),
    OFPBAC_BAD_ARGUMENT(2, 5, 2, 5),
    OFPBAC_EPERM(2, 6, 2, 6),
    OFPBAC_TOO_MANY(2, 7, 2, 7),
    OFPBAC_BAD_OUT_GROUP(2, 9, 2, 9),
    OFPBAC_MATCH_INCONSISTENT(1, 522, 2, 10),
    OFPBAC_UNSUPPORTED_ORDER(-1, -1, 2, 11),
    OFPBAC_BAD_TAG(-1, -1, 2, 12),
    OFPBAC_BAD_SET_TYPE(1, 523, 2, 13, until(OF11, AS_IN_10)),
    OFPBAC_BAD_SET_LEN(1, 524, 2, 14, until(OF11, AS_IN_10)),
    OFPBAC_BAD_SET_ARGUMENT(1, 525, 2, 15, until(OF11, AS_IN_10)),
    NXBAC_MUST_BE_ZERO(2, 256, 0xffff, 11),
    NXBAC_BAD_CONJUNCTION(2, 526, 0xffff, 15),
    NXBAC_BAD_HEADER_TYPE(-1, -1, 0xffff, 39),
    NXBAC_UNKNOWN_ED_PROP(-1, -1, 0xffff, 40),
    NXBAC_BAD_ED_PROP(-1, -1, 0xffff, 41),
    OFPBIC_UNKNOWN_INST(-1, -1, 3, 0),
    OFPBIC_UNSUP_INST(2, 257, 3, 1),
    OFPBIC_BAD_TABLE_ID(-1, -1, 3, 2),
    OFPBIC_BAD_EXPERIMENTER(-1, -1, 3, 5),
    OFPBIC_BAD_LEN(-1, -1, 3, 7, until(OF11, AS_IN_10)),
    OFPBIC_DUP_INST(-1, -1, 3, 9, until(OF13, onf(2600)), until(OF11, nicira(3, 256))),
    OFPBMC_BAD_TYPE(-1, -1, 4, 0),
    OFPBMC_BAD_LEN(-1, -1, 4, 1),
    OFPBMC_BAD_WILDCARDS(1, 262, 4, 5),
    OFPBMC_BAD_FIELD(0, 263, 4, 6),
    OFPBMC_BAD_VALUE(1, 258, 4, 7),
    OFPBMC_BAD_MASK(1, 259, 4, 8, until(OF11, AS_IN_10)),
    OFPBMC_BAD_PREREQ(1, 260, 4, 9, until(OF11, AS_IN_10)),
    OFPBMC_DUP_FIELD(1, 261, 4, 10, until(OF11, AS_IN_10)),
    OFPGMFC_GROUP_EXISTS(6, 0, 6, 0),
    OFPGMFC_INVALID_GROUP(6, 1, 6, 1),
    OFPGMFC_OUT_OF_GROUPS(6, 3, 6, 3),
    OFPGMFC_OUT_OF_BUCKETS(6, 4, 6, 4),
    OFPGMFC_WATCH_UNSUPPORTED(6, 6, 6, 6),
    OFPGMFC_LOOP(6, 7, 6, 7),
    OFPGMFC_UNKNOWN_GROUP(6, 8, 6, 8),
    OFPGMFC_BAD_TYPE(6, 10, 6, 10),
    OFPGMFC_BAD_COMMAND(6, 11, 6, 11),
    OFPGMFC_BAD_BUCKET(6, 12, 6, 12),
    OFPGMFC_BAD_WATCH(6, 13, 6, 13),
    OFPGMFC_UNKNOWN_BUCKET(6, 15, 6, 15),
    OFPGMFC_BUCKET_EXISTS(6, 16, 6, 16),
    OFPMMFC_METER_EXISTS(-1, -1, 12, 1),
    OFPMMFC_INVALID_METER(-1, -1, 12, 2),
    OFPMMFC_UNKNOWN_METER(-1, -1, 12, 3),
    OFPMMFC_BAD_COMMAND(-1, -1, 12, 4),
    OFPMMFC_BAD_FLAGS(-1, -1, 12, 5),
    OFPMMFC_BAD_RATE(-1, -1, 12, 6),
    OFPMMFC_BAD_BAND(-1, -1, 12, 8),
    OFPMMFC_OUT_OF_METERS(-1, -1, 12, 10),
    OFPMMFC_OUT_OF_BANDS(-1, -1, 12, 11),
    OFPFMFC_TABLE_FULL(3, 0, 5, 1),
    OFPFMFC_BAD_TABLE_ID(-1, -1, 5, 2),
    OFPFMFC_OVERLAP(3, 1, 5, 3),
    OFPFMFC_EPERM(3, 2, 5, 4),
    OFPFMFC_BAD_TIMEOUT(3, 3, 5, 5),
    OFPFMFC_BAD_COMMAND(3, 4, 5, 6),
    OFPFMFC_BAD_FLAGS(3, 258, 5, 7, until(OF11, nicira(5, 258))),
    OFPPMFC_BAD_PORT(4, 0, 7, 0),
    OFPPMFC_BAD_HW_ADDR(4, 1, 7, 1),
    OFPPMFC_BAD_CONFIG(-1, -1, 7, 2),
    NXR_STALE(1, 534, 0xffff, 35, until(OF11, AS_IN_10)),
    NXTTMFC_BAD_COMMAND(1, 527, 0xffff, 16, until(OF11, AS_IN_10)),
    NXTTMFC_BAD_OPT_LEN(1, 528, 0xffff, 17, until(OF11, AS_IN_10)),
    NXTTMFC_BAD_FIELD_IDX(1, 529, 0xffff, 18, until(OF11, AS_IN_10)),
    NXTTMFC_TABLE_FULL(1, 530, 0xffff, 19, until(OF11, AS_IN_10)),
    NXTTMFC_ALREADY_MAPPED(1, 531, 0xffff, 20, until(OF11, AS_IN_10)),
    NXTTMFC_DUP_ENTRY(1, 532, 0xffff, 21, until(OF11, AS_IN_10)),
    OFPTMFC_BAD_TABLE(-1, -1, 8, 0),
    OFPTMFC_BAD_CONFIG(-1, -1, 8, 1),
    OFPTMFC_EPERM(-1, -1, 8, 2, until(OF11, NO_FORM)),
    OFPQOFC_BAD_PORT(5, 0, 9, 0),
    OFPQOFC_BAD_QUEUE(5, 1, 9, 1),
    OFPSCFC_BAD_FLAGS(-1, -1, 10, 0),
    OFPSCFC_BAD_LEN(-1, -1, 10, 1),
    OFPRRFC_STALE(-1, -1, 11, 0, until(OF11, AS_IN_10)),
    OFPRRFC_BAD_ROLE(1, 513, 11, 2, until(OF11, AS_IN_10)),
    OFPBPC_BAD_TYPE(13, 2, 14, 0, until(OF13, standard(13, 2)), until(OF12, nicira(0xffff, 25)), until(OF11, AS_IN_10)),
    OFPBPC_BAD_LEN(13, 3, 14, 1, until(OF13, standard(13, 3)), until(OF12, nicira(0xffff, 26)), until(OF11, AS_IN_10)),
    OFPBPC_BAD_VALUE(13, 4, 14, 2, until(OF13, standard(13, 4)), until(OF12, nicira(0xffff, 27)), until(OF11, AS_IN_10)),
    OFPBPC_BAD_EXPERIMENTER(14, 5, 14, 5, until(OF13, onf(4445)), until(OF12, nicira(0xffff, 30)), until(OF11, AS_IN_10)),
    OFPBPC_BAD_EXP_TYPE(14, 6, 14, 6, until(OF13, onf(4446)), until(OF12, nicira(0xffff, 31)), until(OF11, AS_IN_10)),
    OFPACFC_INVALID(-1, -1, 15, 0, until(OF13, onf(2370)), until(OF12, NO_FORM)),
    OFPACFC_UNSUPPORTED(-1, -1, 15, 1, until(OF13, onf(2371)), until(OF12, NO_FORM)),
    OFPMOFC_UNKNOWN(-1, -1, 16, 0, until(OF13, NO_FORM)),
    OFPMOFC_MONITOR_EXISTS(1, 517, 16, 1, until(OF13, nicira(0xffff, 6)), until(OF11, AS_IN_10)),
    OFPMOFC_UNKNOWN_MONITOR(1, 519, 16, 3, until(OF13, nicira(0xffff, 8)), until(OF11, AS_IN_10)),
    OFPMOFC_BAD_COMMAND(-1, -1, 16, 4, until(OF13, NO_FORM)),
    OFPMOFC_BAD_FLAGS(1, 518, 16, 5, until(OF13, nicira(0xffff, 7)), until(OF11, AS_IN_10)),
    OFPBFC_BAD_ID(-1, -1, 17, 2, until(OF13, onf(2302)), until(OF12, NO_FORM)),
    OFPBFC_BUNDLE_EXIST(-1, -1, 17, 3, until(OF13, onf(2303)), until(OF12, NO_FORM)),
    OFPBFC_BUNDLE_CLOSED(-1, -1, 17, 4, until(OF13, onf(2304)), until(OF12, NO_FORM)),
    OFPBFC_OUT_OF_BUNDLES(-1, -1, 17, 5, until(OF13, onf(2305)), until(OF12, NO_FORM)),
    OFPBFC_BAD_TYPE(-1, -1, 17, 6, until(OF13, onf(2306)), until(OF12, NO_FORM)),
    OFPBFC_BAD_FLAGS(-1, -1, 17, 7, until(OF13, onf(2307)), until(OF12, NO_FORM)),
    OFPBFC_MSG_BAD_LEN(-1, -1, 17, 8, until(OF13, onf(2308)), until(OF12, NO_FORM)),
    OFPBFC_MSG_BAD_XID(-1, -1, 17, 9, until(OF13, onf(2309)), until(OF12, NO_FORM)),
    OFPBFC_MSG_UNSUP(-1, -1, 17, 10, until(OF13, onf(2310)), until(OF12, NO_FORM)),
    OFPBFC_MSG_TOO_MANY(-1, -1, 17, 12, until(OF13, onf(2312)), until(OF12, NO_FORM)),
    OFPBFC_MSG_FAILED(-1, -1, 17, 13, until(OF13, onf(2313)), until(OF12, NO_FORM)),
    OFPBFC_TIMEOUT(-1, -1, 17, 14, until(OF13, onf(2314)), until(OF12, NO_FORM)),
    OFPBFC_BAD_VERSION(-1, -1, 0xffff, 22, until(OF13, NO_FORM));
    // spotless:on

    /** Whose error it is. */
    public enum Vendor {
        STANDARD,
        /** Under 1.0 and 1.1 with a type and a code, later with a number alone, which is the code. */
        NICIRA,
        /** With a number alone, which is the code. */
        ONF
    }

    /** How an error is said in one version. */
    public record Form(Vendor vendor, int type, int code) {
        /** The version has no such error. */
        static final Form NO_FORM = new Form(Vendor.STANDARD, -1, -1);
        /** Stands for that of 1.0. */
        static final Form AS_IN_10 = new Form(Vendor.STANDARD, -2, -2);

        /** Whether the version has the error. */
        public boolean exists() {
            return type >= 0;
        }
    }

    /** In versions up to this one. */
    private record Until(int version, Form form) {}

    private static final int EXPERIMENTER = 0xffff;
    private static final int FIRST_VENDOR_CODE = 256;
    private static final int FIRST_TYPE_NOT_IN_10 = 6;

    private final Form[] byVersion = new Form[OF15 + 1];

    OfErrorCode(int type10, int code10, int typeSince11, int codeSince11, Until... exceptions) {
        boolean vendor10 =
                code10 >= FIRST_VENDOR_CODE || type10 >= FIRST_TYPE_NOT_IN_10 || name().equals("OFPBAC_BAD_OUT_GROUP");
        Form form10 = type10 < 0 ? NO_FORM : new Form(vendor10 ? Vendor.NICIRA : Vendor.STANDARD, type10, code10);
        Form later = new Form(typeSince11 == EXPERIMENTER ? Vendor.NICIRA : Vendor.STANDARD, typeSince11, codeSince11);
        Arrays.fill(byVersion, later);
        for (Until exception : exceptions) {
            Arrays.fill(byVersion, OF11, exception.version + 1, exception.form == AS_IN_10 ? form10 : exception.form);
        }
        byVersion[OF10] = form10;
    }

    /** How the error is said in that version, {@link ActionForm#OF10} and so on. */
    public Form in(int version) {
        return byVersion[version];
    }

    private static Until until(int version, Form form) {
        return new Until(version, form);
    }

    private static Form standard(int type, int code) {
        return new Form(Vendor.STANDARD, type, code);
    }

    private static Form nicira(int type, int code) {
        return new Form(Vendor.NICIRA, type, code);
    }

    private static Form onf(int code) {
        return new Form(Vendor.ONF, EXPERIMENTER, code);
    }
}
