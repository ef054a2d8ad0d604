package io.turnstile.embedded;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/**
 * Who depends on the embedded switch gets neither a daemon nor a database, metrics, logging backend or command line.
 */
class EmbeddedDependenciesTest {
    private static final JavaClasses EMBEDDED = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("io.turnstile.embedded");

    @Test
    void itRestsOnWhatIsBelowItOnly() {
        classes()
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        "java..",
                        "org.jspecify.annotations..", // what may be null: nobody needs them at run time
                        "io.netty..",
                        "io.turnstile.embedded..",
                        "io.turnstile.openflow..",
                        "io.turnstile.pipeline..",
                        "io.turnstile.path..",
                        "io.turnstile.datapath..",
                        "io.turnstile.port..",
                        "io.turnstile.conntrack..",
                        "io.turnstile.offload..",
                        "io.turnstile.packet..",
                        "io.turnstile.time..")
                .check(EMBEDDED);
    }
}
