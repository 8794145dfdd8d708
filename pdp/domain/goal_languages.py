"""The words by which goals ask in other languages than English. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pdp.domain.goal_words import Acts, acts_table
from pdp.domain.vocabulary import words


@dataclass(frozen=True, slots=True)
class Language:
    """How people of one language ask: verb forms by act, what negates them, what makes nouns.

    `forms` are the forms used for asking (imperatives, infinitives). A negation counts within
    `reach` words before a form, or after it where the language puts it there.
    """

    forms: Mapping[str, Acts]
    negations: frozenset[str]
    negations_after: frozenset[str] = frozenset()
    articles: frozenset[str] = frozenset()
    delegation: str = ""
    reach: int = 3
    money: frozenset[str] = field(default=frozenset())


def _with_pronouns(lines: Mapping[str, str]) -> dict[str, Acts]:
    """Spanish infinitives also with the pronouns that are written onto them ("mandarle")."""
    found = acts_table(lines)
    for form in [form for form in found if form.endswith("r")]:
        for pronoun in ("le", "les", "lo", "la", "los", "las", "selo", "sela"):
            found[form + pronoun] = found[form]
    return found


LANGUAGES: Final[dict[str, Language]] = {
    "de": Language(
        forms=acts_table(
            {
                "send": "sende senden schicke schick schicken maile mailen verschicke verschicken "
                "schreibe schreib schreiben benachrichtige benachrichtigen informiere informieren "
                "sag sage zusenden zuschicken",
                "reply": "antworte antworten beantworte beantworten",
                "forward": "weiterleite weiterleiten leite",
                "post": "poste posten veröffentliche veröffentlichen kommentiere kommentieren",
                "share": "teile teilen freigeben",
                "look": "zeige zeig zeigen suche such suchen finde finden lies lese lesen prüfe "
                "prüfen "
                "vergleiche vergleichen erkläre erklären fasse zusammenfassen liste auflisten "
                "nenne "
                "schau schaue nachschauen sieh überprüfe überprüfen übersetze übersetzen",
                "approve": "genehmige genehmigen bestätige bestätigen akzeptiere akzeptieren "
                "annehmen lehne ablehnen",
                "invite": "lade einladen einzuladen",
                "pay": "zahle zahl zahlen bezahle bezahl bezahlen überweise überweis überweisen "
                "begleiche begleichen erstatte erstatten spende spenden zurückzahlen",
                "buy": "kaufe kauf kaufen bestelle bestell bestellen",
                "book": "buche buchen reserviere reservieren",
                "schedule": "plane planen vereinbare vereinbaren terminiere",
                "create": "erstelle erstell erstellen anlegen lege erzeuge speichere speichern "
                "hinzufügen füge trage eintragen",
                "change": "ändere ändern aktualisiere aktualisieren verschiebe verschieben "
                "bearbeite schalte schalten einschalten ausschalten abschalten stelle stellen "
                "setze setzen ersetze ersetzen tausche tauschen umtauschen umbuchen erhöhe "
                "erhöhen senke senken kürze kürzen verlängere verlängern aktiviere aktivieren "
                "deaktiviere deaktivieren "
                "bearbeiten umbenennen benenne anpassen passe korrigiere",
                "delete": "lösche lösch löschen entferne entfernen",
                "cancel": "storniere stornieren absagen kündige kündigen",
                "close": "schließe schließen",
                "run": "führe ausführen starte starten installiere installieren",
                "grant": "gewähre gewähren erteile erteilen",
                "revoke": "entziehe entziehen sperre sperren",
            }
        ),
        negations=words("nicht kein keine keinen nie niemals ohne nichts"),
        negations_after=words("nicht nichts niemandem keine keinen nie niemals"),
        articles=words(
            "der die das den dem des ein eine einen einem einer mein meine meinen diese"
        ),
        delegation=r"\b(?:befolge|folge|erledige|führe)\b.{0,40}\b(?:anweisung|aufgabe|schritte)",
        money=words("geld betrag miete rechnung euro gebühr"),
    ),
    "fr": Language(
        forms=acts_table(
            {
                "send": "envoie envoyez envoyer écris écrivez écrire préviens prévenez prévenir "
                "informe informez informer dis dites",
                "reply": "réponds répondez répondre",
                "forward": "transfère transférez transférer transmets transmettez transmettre",
                "post": "publie publiez publier poste postez poster",
                "share": "partage partagez partager",
                "look": "montre montrez montrer cherche cherchez chercher trouve trouvez trouver "
                "lis "
                "lisez lire vérifie vérifiez vérifier compare comparez comparer explique "
                "expliquez expliquer résume résumez résumer liste listez lister regarde "
                "regardez traduis traduisez",
                "approve": "approuve approuvez approuver confirme confirmez confirmer accepte "
                "acceptez accepter refuse refusez refuser",
                "invite": "invitez inviter",
                "pay": "paie paye payez payer règle réglez régler vire virez virer rembourse "
                "remboursez rembourser verse versez verser",
                "buy": "achète achetez acheter commande commandez commander",
                "book": "réserve réservez réserver",
                "schedule": "planifie planifiez planifier programme programmez programmer "
                "organisez",
                "create": "crée créez créer ajoute ajoutez ajouter enregistre enregistrez "
                "enregistrer rédige rédigez rédiger",
                "change": "modifie modifiez modifier changez changer déplace déplacez déplacer "
                "remplace remplacez remplacer échange échangez échanger augmente augmentez "
                "baisse baissez prolonge prolongez active activez désactive désactivez allume "
                "éteins "
                "reporte reportez reporter renomme renommez renommer corrige corrigez",
                "delete": "supprime supprimez supprimer efface effacez effacer enlève enlevez "
                "retire retirez retirer",
                "cancel": "annule annulez annuler",
                "close": "ferme fermez fermer clôture clôturez",
                "run": "exécute exécutez exécuter lance lancez lancer installez installer",
            }
        ),
        negations=words("ne n' pas sans jamais"),
        negations_after=words("pas rien jamais"),
        articles=words("le la les l' un une des du mon ma mes ce cette ces son sa"),
        delegation=r"\b(?:suis|suivez|exécute|fais|faites)\b.{0,40}\b(?:instructions|tâches|étapes)",
        money=words("argent montant loyer facture euros frais"),
    ),
    "es": Language(
        forms=_with_pronouns(
            {
                "send": "envía envíe envíes enviar envíale mándale manda mande mandar escribe "
                "escriba escribir avisa avise avisar informa informe notifica notifique dile",
                "reply": "responde responda respondas responder contesta conteste contestar",
                "forward": "reenvía reenvíe reenviar",
                "post": "publica publique publicar",
                "share": "comparte comparta compartas compartir",
                "look": "muestra muestre mostrar busca busque buscar encuentra lee lea leer revisa "
                "revise revisar compara compare comparar explica explique resume resuma resumir "
                "lista enumera mira traduce traduzca",
                "approve": "aprueba apruebe aprobar confirma confirme confirmar acepta acepte "
                "aceptar rechaza rechace rechazar",
                "invite": "invita invitar",
                "pay": "paga pague pagues pagar transfiere transfiera transferir reembolsa "
                "reembolse "
                "reembolsar",
                "buy": "compra compre comprar encarga encargue pide",
                "book": "reserva reservar",
                "schedule": "programa programe programar agenda agende agendar",
                "create": "crea cree crear añade añada añadir agrega agregue agregar guarda guarde "
                "guardar redacta redacte",
                "change": "cambia cambie cambiar modifica modifique modificar actualiza actualice "
                "actualizar reemplaza reemplace reemplazar sustituye intercambia aumenta aumente "
                "baja baje prolonga activa active desactiva desactive enciende apaga mueve mueva "
                "mover renombra corrige corrija aplaza",
                "delete": "borra borre borres borrar elimina elimine elimines eliminar quita",
                "cancel": "cancela cancele canceles cancelar anula anule anular",
                "close": "cierra cierre cerrar",
                "run": "ejecuta ejecute ejecutar instala instale instalar",
            }
        ),
        negations=words("no sin nunca jamás"),
        articles=words("el la los las un una unos unas mi mis tu su sus esta este esa ese"),
        delegation=r"\b(?:sigue|siga|haz|haga|ejecuta)\b.{0,40}\b(?:instrucciones|tareas|pasos)",
        money=words("dinero importe alquiler factura euros"),
    ),
}
