/**
 * Kills of the database's process under load: nothing that was acknowledged or seen is lost, nothing is there by half,
 * and what clients saw is explained by one order of their transactions. The server runs in a process of its own, which
 * is SIGKILLed; what that cannot show is what a disk does when the power goes.
 */
package io.turnstile.stories.database;
